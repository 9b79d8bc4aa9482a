/** Calls back at set times, to the millisecond: one timer for any number of streams. */
export class DueTimes {
  readonly #due = new Map<number, (() => void)[]>();
  #timer: NodeJS.Timeout | undefined;
  /** The last millisecond that was served. */
  #served = 0;

  /** @param ms - On the clock of `performance`; what is past comes with the next tick. */
  at(ms: number, callback: () => void): void {
    if (this.#timer === undefined) {
      this.#served = Math.floor(performance.now());
      this.#timer = setInterval(() => this.#tick(), 1);
    }
    const tick = Math.max(Math.ceil(ms), this.#served + 1);
    const waiting = this.#due.get(tick);
    if (waiting === undefined) this.#due.set(tick, [callback]);
    else waiting.push(callback);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#due.clear();
  }

  #tick(): void {
    const now = Math.floor(performance.now());
    while (this.#served < now) {
      this.#served += 1;
      const callbacks = this.#due.get(this.#served);
      if (callbacks === undefined) continue;
      this.#due.delete(this.#served);
      for (const callback of callbacks) callback();
    }
    if (this.#due.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
  }
}
