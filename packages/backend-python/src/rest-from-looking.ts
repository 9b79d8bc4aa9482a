/** A look takes microseconds. Who looks all the time and did not run for so long meanwhile has had to wait for a core. */
const STOLEN_MS = 0.3;
/** So many times it then does without, and up to so many when that soon happens again. */
const FEWEST = 32;
const MOST = 512;

/**
 * Whether to stay awake at all: where all cores have something to do, who stays awake for others only keeps them from it,
 * and loses a slice of time whenever its core is taken away.
 */
export class RestFromLooking {
  /** Milliseconds of CPU that the thread has had; undefined: nobody can tell, and it never rests. */
  readonly #cpuMs: (() => number) | undefined;
  /** How many times to do without, still. */
  #left = 0;
  #length = FEWEST / 2;
  /** How often nothing was lost since. */
  #good = 0;
  /** The first look of a wait, by the clock and by the thread's CPU, and the last one. */
  #firstAt: number | undefined;
  #firstCpuMs = 0;
  #lastAt = 0;

  constructor(cpuMs: (() => number) | undefined) {
    this.#cpuMs = cpuMs;
  }

  /** Something is to be waited for. @returns Whether to look for it. */
  begin(): boolean {
    this.#firstAt = undefined;
    if (this.#left === 0) return true;
    this.#left -= 1;
    return false;
  }

  /** @returns Whether to look once more. */
  look(nowMs: number): boolean {
    if (!this.#isStolen(nowMs)) return true;
    this.#length = this.#good < this.#length ? Math.min(2 * this.#length, MOST) : FEWEST;
    this.#left = this.#length;
    this.#good = 0;
    return false;
  }

  /** What was waited for has come. */
  heard(): void {
    if (this.#left === 0) this.#good += 1;
  }

  /** The thread's own work between two looks, such as a collection of garbage, is no loss: it had its core. */
  #isStolen(nowMs: number): boolean {
    if (this.#cpuMs === undefined) return false;
    const gap = nowMs - this.#lastAt;
    this.#lastAt = nowMs;
    if (this.#firstAt === undefined) {
      this.#firstAt = nowMs;
      this.#firstCpuMs = this.#cpuMs();
      return false;
    }
    if (gap <= STOLEN_MS) return false;
    return nowMs - this.#firstAt - (this.#cpuMs() - this.#firstCpuMs) > STOLEN_MS;
  }
}
