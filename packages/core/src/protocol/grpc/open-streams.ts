/** Calls that may stay open without end; a server that closes asks them to come to one. */

/** A stream that a client holds open. */
export interface OpenStream {
  /** Ends the stream as soon as nothing is running on it. */
  shutDown(): void;
}

/** The streams of a server that are open now. Streams add and delete themselves. */
export type OpenStreams = Set<OpenStream>;
