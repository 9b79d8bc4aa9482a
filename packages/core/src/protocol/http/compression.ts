/** Compressed bodies, both ways. */
import { deflate, gzip } from 'node:zlib';
import { InferenceServerError } from '@nereid/protocol';
import { unpack, type UnpackProblem } from '../unpack.ts';

/** The encodings that are taken and written. */
export type Compression = 'gzip' | 'deflate';

/** For the header `Accept-Encoding` of an answer that refuses another encoding. */
export const SUPPORTED_COMPRESSIONS = 'gzip, deflate';

type Callback = (error: Error | undefined, body: Buffer) => void;

/**
 * How a request is compressed.
 *
 * @param contentEncoding - The header `Content-Encoding`.
 * @returns undefined when it is not.
 * @throws InferenceServerError UNSUPPORTED for an unknown encoding.
 */
export function requestCompression(contentEncoding: string | undefined): Compression | undefined {
  switch (contentEncoding) {
    case undefined:
    case '':
    case 'identity':
      return undefined;
    case 'gzip':
    case 'deflate':
      return contentEncoding;
    default:
      throw new InferenceServerError('UNSUPPORTED', 'Unsupported compression type');
  }
}

/**
 * How an answer is to be compressed: the encoding with the highest weight, the first of those with the same.
 * Names in another case, unknown ones and `*` are passed over, as in Triton.
 *
 * @param acceptEncoding - The header `Accept-Encoding`.
 * @returns undefined for not at all.
 */
export function responseCompression(acceptEncoding: string | undefined): Compression | undefined {
  if (acceptEncoding === undefined) return undefined;
  let best: Compression | undefined;
  let bestWeight = 0;
  for (const item of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = item.split(';').map((part) => part.trim());
    const isCompression = name === 'gzip' || name === 'deflate';
    if (!isCompression && name !== 'identity') continue;
    const weight = weightOf(parameters);
    if (!(weight > bestWeight)) continue;
    best = isCompression ? name : undefined;
    bestWeight = weight;
  }
  return best;
}

function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return weight === undefined ? 1 : Number(weight.slice(2));
}

/**
 * Decompresses a request. The header does not decide between gzip and zlib: the data does.
 *
 * @param maxByteSize - Where a decompressed body is given up.
 */
export function decompress(body: Buffer, maxByteSize: number, done: Callback): void {
  if (body.length === 0) {
    done(new InferenceServerError('INVALID_ARG', 'nothing to be decompressed'), body);
    return;
  }
  unpack('unzip', body, {
    maxByteSize,
    done: (problem, whole) => {
      if (problem === undefined) done(undefined, whole);
      else done(cannotDecompress(problem, maxByteSize), body);
    },
  });
}

/** Compresses an answer. */
export function compress(compression: Compression, body: Buffer, done: Callback): void {
  const run = compression === 'gzip' ? gzip : deflate;
  run(body, {}, (error, compressed) => {
    done(error ?? undefined, compressed);
  });
}

function cannotDecompress(problem: UnpackProblem, maxByteSize: number): InferenceServerError {
  const message =
    problem === 'too large'
      ? `decompressed request exceeds the maximum allowed input size of ${String(maxByteSize)} bytes. ` +
        'Use --http-max-input-size to increase the limit.'
      : `unable to decompress the request body: ${problem.message}`;
  return new InferenceServerError('INVALID_ARG', message, problem === 'too large' ? {} : { cause: problem });
}
