/** Allows so many events at once, and so many a second from then on. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  #tokens: number;
  #filledAt = 0;

  constructor(burst: number, perSecond: number) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#tokens = burst;
  }

  /** @param nowMs - Milliseconds of a clock that only goes forward. @returns Whether the event is allowed. */
  take(nowMs: number): boolean {
    const filled = this.#tokens + ((nowMs - this.#filledAt) / 1000) * this.#perSecond;
    this.#filledAt = nowMs;
    this.#tokens = Math.min(this.#burst, filled) - 1;
    return this.#tokens >= 0;
  }
}
