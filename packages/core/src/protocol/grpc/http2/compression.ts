/** Packed messages: which ways there are, in and out. */
import { deflate, gzip, type CompressCallback } from 'node:zlib';
import type { GrpcStatus } from '../error-handler.ts';
import { unpack, type PackedFormat, type UnpackProblem } from '../../unpack.ts';
import { GRPC } from './grpc-codes.ts';

/** How messages may be packed, as `grpc-accept-encoding` lists it. */
export const ACCEPTED_ENCODINGS = 'identity,deflate,gzip';

/** Unpacks a message; calls back later, with a status when it is damaged or grows beyond its limit. */
export type Unpack = (
  packed: Buffer,
  maxByteSize: number,
  done: (status: GrpcStatus | undefined, message: Buffer) => void,
) => void;

/** How responses are packed. */
export interface Packing {
  readonly encoding: 'gzip' | 'deflate';
  /** Calls back later. Without an error, since there is nothing that could be wrong with the bytes. */
  readonly pack: (message: Buffer, done: (packed: Buffer) => void) => void;
}

/** How a message with that `grpc-encoding` is unpacked; `identity`: not at all; undefined: it can't be. */
export function unpackerOf(encoding: string): Unpack | 'identity' | undefined {
  switch (encoding) {
    case 'identity':
      return 'identity';
    case 'gzip':
      return unpackAs('gunzip');
    case 'deflate':
      return unpackAs('inflate');
    default:
      return undefined;
  }
}

/**
 * How responses to a client are packed: in the first way that it takes and we have.
 *
 * @param accepted - `grpc-accept-encoding` of the client.
 * @param level - zlib's level, 1 to 9.
 * @returns undefined when it takes none.
 */
export function packingFor(accepted: string, level: number): Packing | undefined {
  const encodings = accepted.split(',').map((encoding) => encoding.trim());
  if (encodings.includes('gzip')) return { encoding: 'gzip', pack: packWith(gzip, level) };
  if (encodings.includes('deflate')) return { encoding: 'deflate', pack: packWith(deflate, level) };
  return undefined;
}

type Zip = (bytes: Buffer, options: { readonly level: number }, done: CompressCallback) => void;

function unpackAs(format: PackedFormat): Unpack {
  return (packed, maxByteSize, done) => {
    unpack(format, packed, {
      maxByteSize,
      done: (problem, message) => {
        done(problem === undefined ? undefined : statusOf(problem, maxByteSize), message);
      },
    });
  };
}

function packWith(zip: Zip, level: number): Packing['pack'] {
  return (message, done) => {
    zip(message, { level }, (error, packed) => {
      if (error !== null) throw error;
      done(packed);
    });
  };
}

function statusOf(problem: UnpackProblem, maxByteSize: number): GrpcStatus {
  if (problem === 'too large') {
    const details = `Received message larger than max: at most ${String(maxByteSize)} bytes are taken, unpacked`;
    return { code: GRPC.RESOURCE_EXHAUSTED, details };
  }
  return { code: GRPC.INTERNAL, details: `cannot unpack a message: ${problem.message}` };
}
