import type { InferenceRequest } from '../request/inference-request.ts';

/** Counts the requests between their entry and their final response. */
export class InFlight {
  #count = 0;
  #waiting: (() => void)[] = [];
  readonly #onEnd = (): void => {
    this.#count -= 1;
    if (this.#count > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  };

  get count(): number {
    return this.#count;
  }

  add(request: InferenceRequest): void {
    this.#count += 1;
    request.onEnd = this.#onEnd;
  }

  /** Resolves when none is left. */
  drain(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
