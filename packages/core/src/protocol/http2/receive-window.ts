/** What a client may send on a whole connection. */
import { HTTP2_ERROR } from './frames.ts';
import { Http2ConnectionError } from './http2-error.ts';

/** Bytes that streams did not take yet. Beyond them the whole connection waits. */
const MAX_UNREAD_BYTE_SIZE = 64 * 2 ** 20;

/**
 * Counts what comes, and lets as much come again: at once, so that a stream that is held back does not hold up the
 * others, unless too much waits to be taken.
 */
export class ReceiveWindow {
  readonly #byteSize: number;
  readonly #update: (byteSize: number) => void;
  /** Bytes that came, and for which the client was not told to send as many again. */
  #unacknowledged = 0;
  /** Bytes that came and that no stream took yet. */
  #unread = 0;

  /** @param update - Tells the client that it may send so many bytes more. */
  constructor(byteSize: number, update: (byteSize: number) => void) {
    this.#byteSize = byteSize;
    this.#update = update;
  }

  /**
   * A frame with so many bytes comes.
   *
   * @throws Http2ConnectionError FLOW_CONTROL_ERROR when the client was not to send it.
   */
  use(byteSize: number): void {
    this.#unacknowledged += byteSize;
    if (this.#unacknowledged <= this.#byteSize) return;
    const message = `more data than the ${this.#byteSize} bytes that the connection may have`;
    throw new Http2ConnectionError(HTTP2_ERROR.FLOW_CONTROL_ERROR, message);
  }

  /** So many of the bytes wait for a stream to take them. */
  hold(byteSize: number): void {
    this.#unread += byteSize;
  }

  /** So many of the bytes that waited were taken. */
  release(byteSize: number): void {
    this.#unread -= byteSize;
    this.replenish();
  }

  replenish(): void {
    if (this.#unacknowledged < this.#byteSize / 2 || this.#unread > MAX_UNREAD_BYTE_SIZE) return;
    this.#update(this.#unacknowledged);
    this.#unacknowledged = 0;
  }
}
