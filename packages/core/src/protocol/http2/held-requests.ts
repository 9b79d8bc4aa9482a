/** Requests of a connection whose client leaves too much unread. */
import type { Http2Stream } from './http2-stream.ts';
import type { RequestHeaders } from './request-headers.ts';

/** Requests wait while so many bytes of answers do: the client asks faster than it reads. */
const MAX_UNREAD_BYTE_SIZE = 256 * 2 ** 20;

/** What waits to be sent. */
interface Unread {
  readonly pendingByteSize: number;
}

type Start = (stream: Http2Stream, headers: RequestHeaders) => void;

/**
 * Keeps back new requests while the answers to earlier ones pile up, in order. Their bodies wait in their streams, whose
 * windows hold back the client.
 */
export class HeldRequests {
  readonly #unread: Unread;
  readonly #start: Start;
  #held: (readonly [Http2Stream, RequestHeaders])[] = [];

  /** @param start - Answers a request. */
  constructor(unread: Unread, start: Start) {
    this.#unread = unread;
    this.#start = start;
  }

  /** Starts a request, now or when `goOn` finds room for it. */
  take(stream: Http2Stream, headers: RequestHeaders): void {
    if (this.#held.length === 0 && !this.#isFull) this.#start(stream, headers);
    else this.#held.push([stream, headers]);
  }

  get #isFull(): boolean {
    return this.#unread.pendingByteSize > MAX_UNREAD_BYTE_SIZE;
  }

  /** The client has read something. */
  goOn(): void {
    if (this.#held.length === 0 || this.#isFull) return;
    const held = this.#held;
    this.#held = [];
    // Each is looked at anew: those before it may have left as much again.
    for (const [stream, headers] of held) if (!stream.isClosed) this.take(stream, headers);
  }
}
