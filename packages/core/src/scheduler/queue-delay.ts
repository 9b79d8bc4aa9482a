/** Waits in a row that nobody joined, after which a model's requests wait no more. */
export const FRUITLESS_WAITS = 16;

/**
 * Tells whether waiting for company pays. A client that sends its next request when it has the answer to the last
 * one would pay the whole delay each time, and nobody would ever join it.
 *
 * Waiting pays until proven otherwise: by `FRUITLESS_WAITS` requests in a row that waited for the whole delay and ran
 * alone. It pays again as soon as a request arrives within the delay of another one that is still unanswered: those
 * two could have been one batch. One that comes after the answer could not, however soon it comes.
 */
export class QueueDelay {
  readonly #delayNs: number;
  #fruitless = 0;
  #lastArrival = -Infinity;
  #isWaiting = false;

  /** @param delayNs - For how long a request may wait; 0: never. */
  constructor(delayNs: number) {
    this.#delayNs = delayNs;
  }

  /** Whether requests are to wait for others. */
  get pays(): boolean {
    return this.#fruitless < FRUITLESS_WAITS;
  }

  /** @param hasOthers - Whether requests that came before are still unanswered. */
  onArrival(nowNs: number, hasOthers: boolean): void {
    if (hasOthers && nowNs - this.#lastArrival <= this.#delayNs) this.#fruitless = 0;
    this.#lastArrival = nowNs;
  }

  /** What is there waits for others. */
  onWait(): void {
    this.#isWaiting = true;
  }

  /** The wait is over, if there was one: so many requests run. */
  onRun(count: number): void {
    if (this.#isWaiting && count === 1) this.#fruitless += 1;
    this.#isWaiting = false;
  }

  /** Nobody waits any more: they expired or were cancelled, which says nothing of the delay. */
  onEmpty(): void {
    this.#isWaiting = false;
  }
}
