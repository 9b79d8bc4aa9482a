/** HTTP/2's frames out of the chunks of a connection. */
import {
  DEFAULT_FRAME_BYTE_SIZE,
  FLAG,
  FRAME,
  HEAD_BYTE_SIZE,
  HTTP2_ERROR,
  PREFACE,
  type FrameHead,
} from './frames.ts';
import { Http2ConnectionError, protocolError } from './http2-error.ts';

/** What frames are handed to. Buffers are views on a chunk: copy what is kept. */
export interface FrameHandler {
  /** A frame of data begins; its bytes follow in pieces. `byteSize` counts padding, as flow control does. */
  onDataHead(streamId: number, byteSize: number): void;
  /** A piece of its content. */
  onDataPiece(piece: Buffer): void;
  onDataEnd(endsStream: boolean): void;
  /** Any other frame, whole. */
  onFrame(head: FrameHead, payload: Buffer): void;
}

const NOTHING = Buffer.alloc(0);

/**
 * Reads frames, in order. Data is handed on as it comes, without waiting for the end of its frame; other frames are put
 * together when they are cut.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  /** How much of the preface has come. */
  #prefaceFilled = 0;
  readonly #headBytes = Buffer.alloc(HEAD_BYTE_SIZE);
  #headFilled = 0;
  #head: FrameHead | undefined;
  /** The payload of a frame that came in several chunks, but data. */
  #payload: Buffer | undefined;
  /** Bytes of the payload that are still to come. */
  #left = 0;
  /** Bytes at the end of a frame of data that are padding; -1: their count is still to come. */
  #padding = 0;

  constructor(handler: FrameHandler) {
    this.#handler = handler;
  }

  /** @throws Http2ConnectionError when the bytes are no such frames. */
  push(chunk: Buffer): void {
    let at = this.#prefaceFilled < PREFACE.length ? this.#readPreface(chunk) : 0;
    while (at < chunk.length) {
      const head = this.#head;
      if (head === undefined) at = this.#readHead(chunk, at);
      else if (head.type === FRAME.DATA) at = this.#readData(head, chunk, at);
      else at = this.#readPayload(head, chunk, at);
    }
  }

  #readPreface(chunk: Buffer): number {
    const size = Math.min(chunk.length, PREFACE.length - this.#prefaceFilled);
    if (PREFACE.compare(chunk, 0, size, this.#prefaceFilled, this.#prefaceFilled + size) !== 0) {
      throw protocolError('the client does not speak HTTP/2');
    }
    this.#prefaceFilled += size;
    return size;
  }

  #readHead(chunk: Buffer, from: number): number {
    let bytes = chunk;
    let start = from;
    let at = from + HEAD_BYTE_SIZE;
    if (this.#headFilled > 0 || at > chunk.length) {
      const copied = chunk.copy(this.#headBytes, this.#headFilled, from);
      this.#headFilled += copied;
      if (this.#headFilled < HEAD_BYTE_SIZE) return chunk.length;
      this.#headFilled = 0;
      bytes = this.#headBytes;
      start = 0;
      at = from + copied;
    }
    const head: FrameHead = {
      byteSize: bytes.readUIntBE(start, 3),
      type: bytes[start + 3] ?? 0,
      flags: bytes[start + 4] ?? 0,
      // The first bit is reserved.
      streamId: bytes.readUInt32BE(start + 5) & 0x7fff_ffff,
    };
    this.#begin(head);
    return at;
  }

  #begin(head: FrameHead): void {
    if (head.byteSize > DEFAULT_FRAME_BYTE_SIZE) {
      const message = `a frame of ${head.byteSize} bytes, at most ${DEFAULT_FRAME_BYTE_SIZE} are taken`;
      throw new Http2ConnectionError(HTTP2_ERROR.FRAME_SIZE_ERROR, message);
    }
    if (head.type === FRAME.DATA) {
      this.#handler.onDataHead(head.streamId, head.byteSize);
      const isPadded = (head.flags & FLAG.PADDED) !== 0;
      if (isPadded && head.byteSize === 0) throw tooMuchPadding();
      this.#padding = isPadded ? -1 : 0;
      if (head.byteSize === 0) this.#endData(head);
    } else if (head.byteSize === 0) {
      this.#handler.onFrame(head, NOTHING);
      return;
    }
    if (head.byteSize > 0) {
      this.#head = head;
      this.#left = head.byteSize;
    }
  }

  #readData(head: FrameHead, chunk: Buffer, from: number): number {
    let at = from;
    if (this.#padding < 0) {
      this.#padding = chunk[at] ?? 0;
      at += 1;
      this.#left -= 1;
      if (this.#padding > this.#left) throw tooMuchPadding();
    }
    const end = Math.min(chunk.length, at + this.#left);
    const content = Math.min(end - at, this.#left - this.#padding);
    if (content > 0) this.#handler.onDataPiece(chunk.subarray(at, at + content));
    this.#left -= end - at;
    if (this.#left === 0) this.#endData(head);
    return end;
  }

  #endData({ flags }: FrameHead): void {
    this.#head = undefined;
    this.#handler.onDataEnd((flags & FLAG.END_STREAM) !== 0);
  }

  #readPayload(head: FrameHead, chunk: Buffer, from: number): number {
    const end = Math.min(chunk.length, from + this.#left);
    if (this.#payload === undefined && end - from === head.byteSize) {
      this.#head = undefined;
      this.#handler.onFrame(head, chunk.subarray(from, end));
      return end;
    }
    this.#payload ??= Buffer.allocUnsafe(head.byteSize);
    chunk.copy(this.#payload, head.byteSize - this.#left, from, end);
    this.#left -= end - from;
    if (this.#left > 0) return end;
    const payload = this.#payload;
    this.#payload = undefined;
    this.#head = undefined;
    this.#handler.onFrame(head, payload);
    return end;
  }
}

function tooMuchPadding(): Http2ConnectionError {
  return protocolError('a frame of data with more padding than bytes');
}
