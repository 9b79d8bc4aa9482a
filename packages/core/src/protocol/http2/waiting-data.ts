/** Up to this size pieces are copied, into blocks of this size: the chunks that they are of are much larger. */
const SMALL_BYTE_SIZE = 4096;

/**
 * Data of a request that waits to be taken, in order. Small pieces are put together: a client may cut what it sends into single
 * bytes, each of which would cost a hundred.
 */
export class WaitingData {
  readonly #pieces: Buffer[] = [];
  /** Holds the last piece and has room behind it; undefined: it has not. */
  #block: Buffer | undefined;
  #filled = 0;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  push(piece: Buffer): void {
    if (piece.length > SMALL_BYTE_SIZE) {
      this.#pieces.push(piece);
      this.#block = undefined;
    } else {
      this.#append(piece);
    }
  }

  /** The first piece, which waits no more. */
  shift(): Buffer | undefined {
    const piece = this.#pieces.shift();
    if (this.#pieces.length === 0) this.#block = undefined;
    return piece;
  }

  #append(piece: Buffer): void {
    const hasRoom = this.#block !== undefined && this.#filled + piece.length <= SMALL_BYTE_SIZE;
    const block = hasRoom && this.#block !== undefined ? this.#block : Buffer.allocUnsafe(SMALL_BYTE_SIZE);
    const from = hasRoom ? this.#filled : 0;
    this.#block = block;
    this.#filled = from + piece.copy(block, from);
    const at = hasRoom ? this.#pieces.length - 1 : this.#pieces.length;
    this.#pieces[at] = block.subarray(0, this.#filled);
  }
}
