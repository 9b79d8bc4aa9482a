/** What happened this long ago counts 1/e of what happens now. */
const WINDOW_MS = 10_000;
/** Share of the newest request in the mean of all. */
const NEWEST = 0.1;

/** How fast a model's engines get requests done: for how long one that is refused should stay away. */
export class DrainRate {
  readonly #startedAt: number;
  #recent = 0;
  #at: number;
  #meanTokens: number | undefined;
  #meanMs = 0;

  constructor(now: number) {
    this.#startedAt = now;
    this.#at = now;
  }

  /**
   * A request was done.
   *
   * @param tokens - Its input and output.
   * @param durationMs - From its place on the engine to its end.
   */
  record(now: number, tokens: number, durationMs: number): void {
    this.#recent = this.#decayed(now) + tokens;
    this.#at = now;
    this.#meanMs = this.#meanTokens === undefined ? durationMs : mix(this.#meanMs, durationMs);
    this.#meanTokens = this.#meanTokens === undefined ? tokens : mix(this.#meanTokens, tokens);
  }

  /** Tokens per second; undefined: nothing is known yet. At least what one request after the other would come to. */
  tokensPerSecond(now: number): number | undefined {
    if (this.#meanTokens === undefined) return undefined;
    // While less than the window has passed there is less of it to share the sum among.
    const seen = WINDOW_MS * (1 - Math.exp(-Math.max(1, now - this.#startedAt) / WINDOW_MS));
    const measured = this.#decayed(now) / (seen / 1000);
    return Math.max(measured, this.#meanTokens / (Math.max(1, this.#meanMs) / 1000));
  }

  #decayed(now: number): number {
    return this.#recent * Math.exp(-(now - this.#at) / WINDOW_MS);
  }
}

function mix(mean: number, value: number): number {
  return mean + (value - mean) * NEWEST;
}
