import type { AnswerBody } from './answer-body.ts';

/** A body as it is: of so many bytes, or all that comes. */
export class PlainBody implements AnswerBody {
  surplus = 0;
  #missing: number;

  /** @param bytes - Infinity: all that comes. */
  constructor(bytes: number) {
    this.#missing = bytes;
  }

  get isDone(): boolean {
    return this.#missing === 0;
  }

  take(bytes: Buffer): Buffer {
    this.surplus = Math.max(0, bytes.length - this.#missing);
    this.#missing -= bytes.length - this.surplus;
    return this.surplus === 0 ? bytes : bytes.subarray(0, bytes.length - this.surplus);
  }
}
