/** Bytes that a client has announced, as they come: a body, a message. Hot path. */
import { allocateBuffer } from '../memory/large-buffer.ts';

/**
 * They have memory for at most so many times what has come of them: to announce two gigabytes costs a client nothing, and the
 * server a collection of its garbage. What came before all have memory is copied twice, at most so small a part.
 */
const MAX_AHEAD = 64;

/** What computes with tensors may take them as they are where they begin so. */
const ALIGNMENT = 64;

const NOTHING = Buffer.alloc(0);

/** Puts them together in one buffer. */
export class AnnouncedBytes {
  readonly #byteSize: number;
  /** Bytes of memory before them. */
  readonly #lead: number;
  #bytes: Buffer = NOTHING;
  #filled = 0;

  /** @param tensorsAt - Which of them comes to lie at a multiple of 64. Default: the first. */
  constructor(byteSize: number, tensorsAt = 0) {
    this.#byteSize = byteSize;
    this.#lead = (ALIGNMENT - (tensorsAt % ALIGNMENT)) % ALIGNMENT;
  }

  /** How many are still to come. */
  get missing(): number {
    return this.#byteSize - this.#filled;
  }

  /** All of them, once none is missing. */
  get whole(): Buffer {
    return this.#bytes;
  }

  /** Memory for the next ones, not always for all of them; they may be written there instead of being pushed. */
  get room(): Buffer {
    return this.#bytes.subarray(this.#filled);
  }

  /** So many were written into the room. */
  noteWritten(byteSize: number): void {
    this.#filled += byteSize;
  }

  /**
   * Copies the next ones, no more than are missing.
   *
   * @throws Error where there is no memory.
   */
  push(piece: Buffer): void {
    const filled = this.#filled + piece.length;
    if (filled > this.#bytes.length) this.#grow(filled);
    this.#bytes.set(piece, this.#filled);
    this.#filled = filled;
  }

  #grow(filled: number): void {
    let byteSize = this.#byteSize;
    while (byteSize > MAX_AHEAD * filled) byteSize = Math.ceil(byteSize / MAX_AHEAD);
    const grown = allocateBuffer(this.#lead + byteSize).subarray(this.#lead);
    grown.set(this.#bytes.subarray(0, this.#filled));
    this.#bytes = grown;
  }
}
