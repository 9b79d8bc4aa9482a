/** Sends the data of streams as far as their windows, the connection's window and the socket allow. */
import type { FrameWriter } from './frame-writer.ts';
import { DEFAULT_FRAME_BYTE_SIZE, DEFAULT_WINDOW_BYTE_SIZE, FLAG } from './frames.ts';
import type { Http2Stream } from './http2-stream.ts';

export class DataSender {
  /** Bytes of a payload that the client takes. */
  frameByteSize = DEFAULT_FRAME_BYTE_SIZE;
  /** Bytes of data that the client takes on the whole connection. */
  #window = DEFAULT_WINDOW_BYTE_SIZE;
  readonly #writer: FrameWriter;
  /** Streams whose data waits for the connection's window or the socket, in turn: not those that wait for their own window. */
  readonly #waiting = new Set<Http2Stream>();
  #pendingByteSize = 0;

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** Bytes of all streams' data that wait. */
  get pendingByteSize(): number {
    return this.#pendingByteSize;
  }

  /** The client takes so many bytes more. @returns Its window. */
  grow(byteSize: number): number {
    this.#window += byteSize;
    return this.#window;
  }

  /** Sends new data of a stream: so many bytes. */
  send(stream: Http2Stream, byteSize: number): void {
    this.#pendingByteSize += byteSize;
    this.#sendOrWait(stream);
  }

  /** Sends what waited of a stream, if its turn has come or its window has grown. */
  resume(stream: Http2Stream): void {
    if (stream.hasPending && this.#sendOrWait(stream)) stream.drained();
  }

  /** Sends what waited of all streams, in turn. */
  resumeAll(): void {
    // Each stream is sent to its end, or leaves the set, or uses up what all of them wait for.
    for (const stream of this.#waiting) {
      if (this.#window <= 0 || !this.#writer.hasRoom()) return;
      this.resume(stream);
    }
  }

  /** @param byteSize - Of its data that is not sent any more. */
  forget(stream: Http2Stream, byteSize: number): void {
    this.#pendingByteSize -= byteSize;
    this.#waiting.delete(stream);
  }

  /** @returns Whether nothing waits any more. */
  #sendOrWait(stream: Http2Stream): boolean {
    const isSent = this.#sendAll(stream);
    this.#waiting.delete(stream);
    // Behind the others.
    if (!isSent && stream.sendWindow > 0) this.#waiting.add(stream);
    return isSent;
  }

  #sendAll(stream: Http2Stream): boolean {
    while (stream.hasPending) {
      const size = Math.min(this.#window, stream.sendWindow, this.frameByteSize);
      if (size <= 0 || !this.#writer.hasRoom()) return false;
      const data = stream.takePending(size);
      this.#window -= data.length;
      this.#pendingByteSize -= data.length;
      stream.sendWindow -= data.length;
      this.#writer.writeData(stream.id, data, FLAG.NONE);
    }
    return true;
  }
}
