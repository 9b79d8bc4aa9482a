const TAIL_BYTES = 1024;

/**
 * Remembers how a stream ends, for what is looked for there once it has ended. A piece of it costs next to nothing: pieces
 * are kept as they are, in two generations, of which the older goes when the younger is long enough by itself.
 */
export class StreamTail {
  #older: Buffer[] = [];
  #younger: Buffer[] = [];
  #youngerBytes = 0;

  /** @param piece - Stays as it is from now on. */
  push(piece: Buffer): void {
    this.#younger.push(piece);
    this.#youngerBytes += piece.length;
    if (this.#youngerBytes < TAIL_BYTES) return;
    this.#older = this.#younger;
    this.#younger = [];
    this.#youngerBytes = 0;
  }

  /** The last KiB, all of the stream when it is shorter; each byte is a character. */
  text(): string {
    return Buffer.concat([...this.#older, ...this.#younger])
      .subarray(-TAIL_BYTES)
      .toString('latin1');
  }
}
