/**
 * Ends an execution that takes too long. The time in which the model waits for clients that read slowly does not count:
 * it begins anew when the last of them goes on.
 */
export class ExecutionLimit {
  readonly #milliseconds: number;
  readonly #onLate: () => void;
  #timer: NodeJS.Timeout | undefined;
  /** Requests of the batch whose clients don't read. */
  #paused = 0;
  #isClosed = false;

  constructor(milliseconds: number, onLate: () => void) {
    this.#milliseconds = milliseconds;
    this.#onLate = onLate;
    this.#start();
  }

  /** The client of one request of the batch can't keep up, or can again. */
  pause(isPaused: boolean): void {
    this.#paused += isPaused ? 1 : -1;
    clearTimeout(this.#timer);
    if (this.#paused === 0) this.#start();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #start(): void {
    if (!this.#isClosed) this.#timer = setTimeout(this.#onLate, this.#milliseconds);
  }
}
