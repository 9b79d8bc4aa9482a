import type { Clock, TimerHandle } from './clock.ts';

/** One timer for many moments: it rings at the earliest one it was set to, and is then to be set anew. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: TimerHandle | undefined;
  #at = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at that time at the latest; Infinity: no need. */
  at(atNs: number): void {
    if (atNs >= this.#at) return;
    this.#timer?.cancel();
    this.#at = atNs;
    this.#timer = this.#clock.schedule(atNs, () => {
      this.#at = Infinity;
      this.#ring();
    });
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#at = Infinity;
  }
}
