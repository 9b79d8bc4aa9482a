/** What leaves a connection: frames that are written in one go are handed to the socket together. */
import type { Writable } from 'node:stream';
import { DEFAULT_FRAME_BYTE_SIZE, FLAG, FRAME, HEAD_BYTE_SIZE, writeHead, type FrameHead } from './frames.ts';

/** Payloads up to this size are copied behind their heads: that costs less than a piece of its own. */
const COPIED_BYTE_SIZE = 4 * 1024;

const ARENA_BYTE_SIZE = 64 * 1024;

/** Arenas that no connection writes to: idle connections, of which there may be thousands, have none. */
const spareArenas: Buffer[] = [];
const MAX_SPARE_ARENAS = 16;

/** With so many bytes on their way the socket is given no more data: other streams would wait behind them. */
const SOCKET_BYTE_SIZE = 512 * 1024;

/** How long, in milliseconds, a frame that nobody is in need of waits for others to leave with. */
const PATIENCE_MS = 5;

/**
 * Collects frames until the end of what runs now, and then writes them. A hundred answers that become ready together
 * are one call to the system.
 */
export class FrameWriter {
  readonly #socket: Writable;
  /** Small frames, one behind the other. */
  #arena: Buffer | undefined;
  /** Where those begin that are not in `#pieces`, and where they end. */
  #from = 0;
  #to = 0;
  /** What stands before them. */
  readonly #pieces: Buffer[] = [];
  #waiting = 0;
  #isScheduled = false;
  /** Whether something waits for others to leave with. */
  #isPatient = false;

  constructor(socket: Writable) {
    this.#socket = socket;
  }

  /** Whether more data may be written; if not, the socket's `drain` says when. */
  hasRoom(): boolean {
    if (this.unsentByteSize <= SOCKET_BYTE_SIZE) return true;
    // The system may take it at once.
    this.flush();
    return this.#socket.writableLength <= SOCKET_BYTE_SIZE;
  }

  /** What the system has not taken yet. */
  get unsentByteSize(): number {
    return this.#waiting + this.#socket.writableLength;
  }

  /** A frame, copied. */
  write(head: Omit<FrameHead, 'byteSize'>, payload: Uint8Array): void {
    this.#schedule();
    this.#copy(head, payload);
  }

  /** A frame, copied, that leaves with what is written next, or a few milliseconds later: a write of its own would only wake the client. */
  writeAlong(head: Omit<FrameHead, 'byteSize'>, payload: Uint8Array): void {
    if (!this.#isPatient) {
      this.#isPatient = true;
      setTimeout(() => {
        this.#isPatient = false;
        this.flush();
      }, PATIENCE_MS).unref();
    }
    this.#copy(head, payload);
  }

  /** Headers, in as many frames as they need. */
  writeHeaders(streamId: number, block: Buffer, endsStream: boolean): void {
    const ends: number = endsStream ? FLAG.END_STREAM : FLAG.NONE;
    if (block.length <= DEFAULT_FRAME_BYTE_SIZE) {
      this.write({ type: FRAME.HEADERS, flags: ends | FLAG.END_HEADERS, streamId }, block);
      return;
    }
    for (let at = 0; at < block.length; at += DEFAULT_FRAME_BYTE_SIZE) {
      const part = block.subarray(at, at + DEFAULT_FRAME_BYTE_SIZE);
      const type = at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION;
      const isLast = at + part.length === block.length;
      const flags = (at === 0 ? ends : FLAG.NONE) | (isLast ? FLAG.END_HEADERS : FLAG.NONE);
      this.write({ type, flags, streamId }, part);
    }
  }

  /** A frame of data. The bytes must not change any more. */
  writeData(streamId: number, bytes: Buffer, flags: number): void {
    this.#schedule();
    const isCopied = bytes.length <= COPIED_BYTE_SIZE;
    const arena = this.#reserve(HEAD_BYTE_SIZE + (isCopied ? bytes.length : 0));
    writeHead(arena, this.#to, { byteSize: bytes.length, type: FRAME.DATA, flags, streamId });
    this.#to += HEAD_BYTE_SIZE;
    if (isCopied) {
      arena.set(bytes, this.#to);
      this.#to += bytes.length;
    } else {
      this.#cut(arena);
      this.#pieces.push(bytes);
      this.#waiting += bytes.length;
    }
  }

  #copy(head: Omit<FrameHead, 'byteSize'>, payload: Uint8Array): void {
    const arena = this.#reserve(HEAD_BYTE_SIZE + payload.length);
    writeHead(arena, this.#to, { ...head, byteSize: payload.length });
    arena.set(payload, this.#to + HEAD_BYTE_SIZE);
    this.#to += HEAD_BYTE_SIZE + payload.length;
  }

  /** @returns What has room for so many bytes at `#to`. */
  #reserve(byteSize: number): Buffer {
    let arena = this.#arena;
    if (arena === undefined || this.#to + byteSize > arena.length) {
      if (arena !== undefined) this.#cut(arena);
      arena =
        byteSize <= ARENA_BYTE_SIZE
          ? (spareArenas.pop() ?? Buffer.allocUnsafeSlow(ARENA_BYTE_SIZE))
          : Buffer.allocUnsafeSlow(byteSize);
      this.#arena = arena;
      this.#from = 0;
      this.#to = 0;
    }
    this.#waiting += byteSize;
    return arena;
  }

  #cut(arena: Buffer): void {
    if (this.#to > this.#from) this.#pieces.push(arena.subarray(this.#from, this.#to));
    this.#from = this.#to;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(this.flush);
  }

  /** Writes all that waits. */
  readonly flush = (): void => {
    this.#isScheduled = false;
    const socket = this.#socket;
    if (this.#waiting === 0 || socket.destroyed || socket.writableEnded) return;
    this.#waiting = 0;
    if (this.#arena !== undefined) this.#cut(this.#arena);
    const pieces = this.#pieces;
    const [only] = pieces;
    if (pieces.length === 1 && only !== undefined) {
      socket.write(only);
    } else {
      socket.cork();
      for (const piece of pieces) socket.write(piece);
      socket.uncork();
    }
    pieces.length = 0;
    // The system has all of it; otherwise the arena is read later, and must not be written to again.
    if (socket.writableLength === 0) this.#release();
  };

  #release(): void {
    const arena = this.#arena;
    if (arena?.length === ARENA_BYTE_SIZE && spareArenas.length < MAX_SPARE_ARENAS) spareArenas.push(arena);
    this.#arena = undefined;
  }
}
