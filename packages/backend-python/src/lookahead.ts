/** The work that a process has in front of it should take no longer than this. */
const AHEAD_MS = 1;
/** More batches than these save nothing more. */
const DEEPEST = 32;
/** An execution as slow as this, of late, forbids it: what waits behind one like it could be with another instance. */
const SLOW_MS = 2;
/** How fast an execution is forgotten. */
const FORGET = 0.1;

/**
 * How many batches a process should have besides the one it executes. Handing one over and waking the process takes
 * some 100 us, which a model that is done in less than that would wait for each time.
 */
export class Lookahead {
  #meanMs = SLOW_MS;
  #slowestMs = SLOW_MS;

  get depth(): number {
    return this.#slowestMs < SLOW_MS ? Math.min(DEEPEST, Math.floor(AHEAD_MS / this.#meanMs)) : 0;
  }

  /** A batch has been executed. @param ms - From when the process had it, and was free, to its end. */
  record(ms: number): void {
    this.#meanMs += (ms - this.#meanMs) * FORGET;
    this.#slowestMs = Math.max(ms, this.#slowestMs * (1 - FORGET));
  }
}
