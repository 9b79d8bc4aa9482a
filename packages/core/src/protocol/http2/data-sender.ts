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
  /** Streams whose data waits for a window or the socket, in turn. */
  readonly #waiting = new Set<Http2Stream>();

  constructor(writer: FrameWriter) {
    this.#writer = writer;
  }

  /** The client takes so many bytes more. @returns Its window. */
  grow(byteSize: number): number {
    this.#window += byteSize;
    return this.#window;
  }

  /** Sends new data of a stream. */
  send(stream: Http2Stream): void {
    if (this.#sendAll(stream)) this.#waiting.delete(stream);
    else this.#waiting.add(stream);
  }

  /** Sends what waited of a stream whose window has grown. */
  resume(stream: Http2Stream): void {
    if (!this.#waiting.delete(stream)) return;
    if (this.#sendAll(stream)) stream.drained();
    // Behind the others.
    else this.#waiting.add(stream);
  }

  /** Sends what waited of all streams, in turn. */
  resumeAll(): void {
    for (const stream of [...this.#waiting]) {
      if (this.#window <= 0 || !this.#writer.hasRoom()) return;
      this.resume(stream);
    }
  }

  forget(stream: Http2Stream): void {
    this.#waiting.delete(stream);
  }

  /** @returns Whether nothing waits any more. */
  #sendAll(stream: Http2Stream): boolean {
    while (stream.hasPending) {
      const size = Math.min(this.#window, stream.sendWindow, this.frameByteSize);
      if (size <= 0 || !this.#writer.hasRoom()) return false;
      const data = stream.takePending(size);
      this.#window -= data.length;
      stream.sendWindow -= data.length;
      this.#writer.writeData(stream.id, data, FLAG.NONE);
    }
    return true;
  }
}
