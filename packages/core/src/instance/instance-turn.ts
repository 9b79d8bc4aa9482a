import type { RateLimitSlot } from '../scheduler/rate-limiter.ts';

/**
 * When an instance may execute, if a rate limiter has a say in it. States: idle → asking → granted → taken → idle.
 * What is granted is an offer: unless a batch is formed and takes it at once, it goes back.
 */
export class InstanceTurn {
  readonly #slot: RateLimitSlot;
  readonly #onGranted: () => void;
  #state: 'idle' | 'asking' | 'granted' | 'taken' = 'idle';
  #isWithinAsk = false;

  /** @param onGranted - Called when its turn comes after a wait. */
  constructor(slot: RateLimitSlot, onGranted: () => void) {
    this.#slot = slot;
    this.#onGranted = onGranted;
  }

  /** The lower, the sooner it is to be served among others. */
  get order(): number {
    return this.#slot.turn;
  }

  /** Whether the instance may execute now; if not, it is told when. */
  ask(): boolean {
    if (this.#state === 'idle') {
      this.#state = 'asking';
      this.#isWithinAsk = true;
      this.#slot.acquire(() => this.#grant());
      this.#isWithinAsk = false;
    }
    return this.#state === 'granted';
  }

  /** The instance begins to execute. */
  take(): void {
    this.#state = 'taken';
  }

  /** Nothing is to be executed any more. */
  withdraw(): void {
    if (this.#state !== 'asking' && this.#state !== 'granted') return;
    this.#state = 'idle';
    this.#slot.withdraw();
  }

  /**
   * The instance has executed.
   *
   * @param next - Called before others get what it held.
   */
  end(next: () => void): void {
    this.#state = 'idle';
    this.#slot.release(next);
  }

  #grant(): void {
    this.#state = 'granted';
    if (this.#isWithinAsk) return;
    this.#onGranted();
    if (this.#state === 'granted') this.withdraw();
  }
}
