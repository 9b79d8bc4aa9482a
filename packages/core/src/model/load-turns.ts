import { StepLimiter } from '../scheduler/step-limiter.ts';

/** The heavy ones among many loads take turns, so that only so many of them go on at a time. */
export class LoadTurns {
  readonly #limiter: StepLimiter;

  /** @param limit - At least 1. */
  constructor(limit: number) {
    this.#limiter = new StepLimiter(limit);
  }

  /**
   * Waits for a turn; who came first has it first.
   *
   * @returns What ends the turn, to be called once.
   */
  async take(): Promise<() => void> {
    await new Promise<void>((resolve) => this.#limiter.acquire(resolve));
    return () => this.#limiter.release();
  }
}
