/** So much of a stream may wait for a model that reads it slowly, or reads others first. */
const MOST_BYTES = 1 << 25;
/** What an answer takes beside its tensors, in the process, too: python/nereid_stub/calls.py counts the same. */
const ANSWER_BYTES = 1 << 10;

/** The answers of a stream that the process has got and its model has not taken. */
export class UnreadAnswers {
  readonly #signal: AbortSignal;
  #bytes = 0;
  #isLeft = false;
  #wake = (): void => {};

  /** @param signal - Aborted when the stream is cancelled, for which nothing is held back. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  /** Whether the model has let go of the stream: nobody reads its answers. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  /** Whether the next answer should wait. */
  get isFull(): boolean {
    return this.#bytes >= MOST_BYTES && !this.#isLeft && !this.#signal.aborted;
  }

  /** @param tensors - Of an answer that is sent. */
  add(tensors: readonly Uint8Array[]): void {
    for (const { byteLength } of tensors) this.#bytes += byteLength;
    this.#bytes += ANSWER_BYTES;
  }

  /** The model has taken answers of so many bytes. */
  take(bytes: number): void {
    this.#bytes -= bytes;
    this.#wake();
  }

  leave(): void {
    this.#isLeft = true;
    this.#wake();
  }

  async room(): Promise<void> {
    while (this.isFull) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
