import type { Clock } from './clock.ts';

/**
 * Tells what is first in a turn of the event loop. The first request of a turn is served at once, and those that
 * arrive with it together afterwards, so that their answers leave together: an answer between two reads wakes its
 * client each time, which halves the throughput of a fast model.
 */
export class EventTurn {
  readonly #clock: Clock;
  #hasBegun = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nothing asked before in this turn. */
  isFirst(): boolean {
    if (this.#hasBegun) return false;
    this.#hasBegun = true;
    this.#clock.soon(() => {
      this.#hasBegun = false;
    });
    return true;
  }
}
