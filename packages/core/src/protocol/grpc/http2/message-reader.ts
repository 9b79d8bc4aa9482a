/** gRPC's framing on the way in: a flag, a length, a message, in chunks that end anywhere. */
import { allocateBuffer } from '../../../memory/large-buffer.ts';
import { WaitingData } from '../../http2/waiting-data.ts';
import type { GrpcStatus } from '../error-handler.ts';
import type { Unpack } from './compression.ts';
import { GRPC } from './grpc-codes.ts';

/** Flag and length before each message. */
export const PREFIX_BYTE_SIZE = 5;

/** A message this small is copied out of the chunk that it came in, which is much larger and would live as long. */
const SMALL_BYTE_SIZE = 4096;

/**
 * A message of more bytes gets its memory once so many of them have come: to announce two gigabytes costs a client nothing, and
 * the server a collection of its garbage.
 */
const HELD_BYTE_SIZE = 256 * 1024;

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
 * its size: each byte is copied once. One that lies within a chunk is a view on it.
 */
export class MessageReader {
  readonly #options: MessageReaderOptions;
  readonly #prefix = Buffer.allocUnsafe(PREFIX_BYTE_SIZE);
  #prefixFilled = 0;
  /** Of the message that is being put together; undefined: none is. */
  #byteSize: number | undefined;
  #filled = 0;
  /** Its memory, once there is some. */
  #message: Buffer | undefined;
  /** What came of it before. */
  readonly #begun = new WaitingData();
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
      const byteSize = this.#byteSize;
      at = byteSize === undefined ? this.#readPrefix(chunk, at) : this.#fill(byteSize, chunk, at);
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
    this.#byteSize = byteSize;
    this.#filled = 0;
    return at;
  }

  /** Adds to the message of that size. */
  #fill(byteSize: number, chunk: Buffer, from: number): number {
    const to = Math.min(chunk.length, from + byteSize - this.#filled);
    if (this.#filled < HELD_BYTE_SIZE && byteSize > HELD_BYTE_SIZE) {
      this.#begun.push(chunk.subarray(from, to));
    } else {
      this.#message ??= this.#allocate(byteSize);
      if (this.#message === undefined) return to;
      chunk.copy(this.#message, this.#filled, from, to);
    }
    this.#filled += to - from;
    if (this.#filled === byteSize) this.#complete(byteSize);
    return to;
  }

  #complete(byteSize: number): void {
    const message = this.#message ?? this.#allocate(byteSize);
    this.#byteSize = undefined;
    this.#message = undefined;
    if (message !== undefined) this.#deliver(message);
  }

  /** Memory for a message, with what came of it; undefined: there is none, and the reader has failed. */
  #allocate(byteSize: number): Buffer | undefined {
    try {
      const message = allocateBuffer(byteSize);
      let at = 0;
      for (let piece = this.#begun.shift(); piece !== undefined; piece = this.#begun.shift()) {
        at += piece.copy(message, at);
      }
      return message;
    } catch {
      this.#fail(GRPC.RESOURCE_EXHAUSTED, `no memory for a message of ${String(byteSize)} bytes`);
      return undefined;
    }
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
    this.#options.onError({ code, details });
  }
}
