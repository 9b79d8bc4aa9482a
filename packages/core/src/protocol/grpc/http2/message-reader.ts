/** gRPC's framing on the way in: a flag, a length, a message, in chunks that end anywhere. */
import { AnnouncedBytes } from '../../announced-bytes.ts';
import type { GrpcStatus } from '../error-handler.ts';
import type { Unpack } from './compression.ts';
import { GRPC } from './grpc-codes.ts';

/** Flag and length before each message. */
export const PREFIX_BYTE_SIZE = 5;

/** A message this small is copied out of the chunk that it came in, which is much larger and would live as long. */
const SMALL_BYTE_SIZE = 4096;

/** Settings of a {@link MessageReader}. */
export interface MessageReaderOptions {
  /** Messages that announce more bytes are refused, packed or not. */
  readonly maxByteSize: number;
  /** Unpacks compressed messages; undefined: the client did not announce a compression. */
  readonly unpack: Unpack | undefined;
  readonly onMessage: (message: Buffer) => void;
  /** A message is being unpacked: until it is, no chunk should come. */
  readonly onBusy: (isBusy: boolean) => void;
  /** All messages were handed on. */
  readonly onEnd: () => void;
  /** The bytes are no such frames. Nothing is called after it. */
  readonly onError: (status: GrpcStatus) => void;
}

/**
 * Reads messages out of the chunks of a stream, in order. A message of several chunks is put together in one buffer of
 * its size. One that lies within a chunk is a view on it.
 */
export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #prefix = Buffer.allocUnsafe(PREFIX_BYTE_SIZE);
  #prefixFilled = 0;
  /** The message that is being put together; undefined: none is. */
  #message: AnnouncedBytes | undefined;
  /** What came with a message that is being unpacked. */
  #rest: Buffer | undefined;
  #isUnpacking = false;
  #isEnded = false;
  #isFailed = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isUnpacking && !this.#isFailed) {
      const message = this.#message;
      at = message === undefined ? this.#readPrefix(chunk, at) : this.#fill(message, chunk, at);
    }
    if (this.#isUnpacking && at < chunk.length) this.#rest = chunk.subarray(at);
  }

  /** No chunk comes any more. */
  end(): void {
    this.#isEnded = true;
    if (this.#isFailed || this.#isUnpacking) return;
    if (this.#prefixFilled === 0) this.#options.onEnd();
    else this.#fail(GRPC.INTERNAL, 'the client ended the call within a message');
  }

  #readPrefix(chunk: Buffer, from: number): number {
    const at = from + chunk.copy(this.#prefix, this.#prefixFilled, from);
    this.#prefixFilled += at - from;
    if (this.#prefixFilled < PREFIX_BYTE_SIZE) return at;
    const byteSize = this.#prefix.readUInt32BE(1);
    if (!this.#isAcceptable(byteSize)) return at;
    if (chunk.length - at >= byteSize) {
      const view = chunk.subarray(at, at + byteSize);
      this.#deliver(byteSize <= SMALL_BYTE_SIZE ? Buffer.from(view) : view);
      return at + byteSize;
    }
    this.#message = new AnnouncedBytes(byteSize);
    return at;
  }

  #fill(message: AnnouncedBytes, chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + message.missing);
    try {
      message.push(chunk.subarray(from, to));
    } catch {
      const byteSize = this.#prefix.readUInt32BE(1);
      this.#fail(GRPC.RESOURCE_EXHAUSTED, `no memory for a message of ${String(byteSize)} bytes`);
      return to;
    }
    if (message.missing > 0) return to;
    this.#message = undefined;
    this.#deliver(message.whole);
    return to;
  }

  #isAcceptable(byteSize: number): boolean {
    const { maxByteSize, unpack } = this.#options;
    const flag = this.#prefix[0] ?? 0;
    if (byteSize > maxByteSize) {
      const sizes = `${String(byteSize)} bytes, at most ${String(maxByteSize)} are taken`;
      this.#fail(GRPC.RESOURCE_EXHAUSTED, `Received message larger than max: ${sizes}`);
    } else if (flag > 1) {
      this.#fail(GRPC.INTERNAL, `the client sent a message with flag ${String(flag)}, expected 0 or 1`);
    } else if (flag === 1 && unpack === undefined) {
      this.#fail(GRPC.INTERNAL, "the client sent a compressed message without saying how in 'grpc-encoding'");
    }
    return !this.#isFailed;
  }

  #deliver(bytes: Buffer): void {
    const { unpack, onMessage, maxByteSize } = this.#options;
    const isPacked = this.#prefix[0] === 1;
    this.#prefixFilled = 0;
    if (!isPacked || unpack === undefined) {
      onMessage(bytes);
      return;
    }
    this.#isUnpacking = true;
    this.#options.onBusy(true);
    unpack(bytes, maxByteSize, (status, message) => {
      if (status === undefined) this.#resume(message);
      else this.#fail(status.code, status.details);
    });
  }

  #resume(message: Buffer): void {
    this.#isUnpacking = false;
    const rest = this.#rest;
    this.#rest = undefined;
    this.#options.onMessage(message);
    if (rest !== undefined) this.push(rest);
    if (this.#isUnpacking) return;
    if (this.#isEnded) this.end();
    else this.#options.onBusy(false);
  }

  #fail(code: number, details: string): void {
    this.#isFailed = true;
    this.#isUnpacking = false;
    this.#rest = undefined;
    this.#message = undefined;
    this.#options.onError({ code, details });
  }
}
