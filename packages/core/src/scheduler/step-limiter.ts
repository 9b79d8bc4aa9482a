/** Limits how many requests are in flight at one step of an ensemble, over all requests (`max_inflight_requests`). */
export class StepLimiter {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param limit - At least 1. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Calls `start` when there is room: at once, or in turn when another is released. Each start is followed by exactly
   * one release, also of what has become pointless meanwhile.
   *
   * @returns Whether it was started at once.
   */
  acquire(start: () => void): boolean {
    if (this.#running >= this.#limit) {
      this.#waiting.push(start);
      return false;
    }
    this.#running += 1;
    start();
    return true;
  }

  release(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#running -= 1;
    else next();
  }
}
