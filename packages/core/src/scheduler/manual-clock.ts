import type { Clock, TimerHandle } from './clock.ts';

/** A clock for tests that stands still until it is advanced. */
export class ManualClock implements Clock {
  #now = 1;
  #timers: { readonly at: number; readonly callback: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  schedule(atNs: number, callback: () => void): TimerHandle {
    const timer = { at: atNs, callback };
    this.#timers.push(timer);
    return {
      cancel: () => {
        this.#timers = this.#timers.filter((t) => t !== timer);
      },
    };
  }

  soon(callback: () => void): void {
    this.#timers.push({ at: this.#now, callback });
  }

  /** Number of timers that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Moves time on and runs what falls due, in order; `advance(0)` runs what was to come soon. */
  advance(ns: number): void {
    const end = this.#now + ns;
    for (;;) {
      const due = this.#timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((t) => t !== due);
      this.#now = Math.max(this.#now, due.at);
      due.callback();
    }
    this.#now = end;
  }
}
