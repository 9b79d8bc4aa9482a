/** A look takes microseconds: between two that are so far apart the thread waited for a core. */
const STOLEN_MS = 0.3;
/** So many times it then does without, and up to so many when that soon happens again. */
const FEWEST = 32;
const MOST = 4096;

/**
 * Whether to stay awake at all: where all cores have something to do, who stays awake for others only keeps them from it,
 * and loses a slice of time whenever its core is taken away.
 */
export class RestFromLooking {
  /** How many times to do without, still. */
  #left = 0;
  #length = FEWEST / 2;
  /** How often nothing was lost since. */
  #good = 0;
  #lookedAt: number | undefined;

  /** Something is to be waited for. @returns Whether to look for it. */
  begin(): boolean {
    this.#lookedAt = undefined;
    if (this.#left === 0) return true;
    this.#left -= 1;
    return false;
  }

  /** @returns Whether to look once more. */
  look(nowMs: number): boolean {
    const before = this.#lookedAt;
    this.#lookedAt = nowMs;
    if (before === undefined || nowMs - before <= STOLEN_MS) return true;
    this.#length = this.#good < this.#length ? Math.min(2 * this.#length, MOST) : FEWEST;
    this.#left = this.#length;
    this.#good = 0;
    return false;
  }

  /** What was waited for has come. */
  heard(): void {
    if (this.#left === 0) this.#good += 1;
  }
}
