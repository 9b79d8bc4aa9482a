import type { InferenceRequest } from '../request/inference-request.ts';
import type { Batch, BatchRunner } from './batch.ts';

/** Batches the steps of different sequences on one instance. */
export interface StepBatcher {
  /**
   * Takes a step in; it is then answered exactly once, or rescheduled.
   *
   * @param row - Row of the batch that its sequence has, where the strategy is direct.
   */
  enqueue(step: InferenceRequest, row: number): void;
  /** Refuses what is still queued (UNAVAILABLE) and stops all timers. */
  close(): void;
}

/** A runner for each instance of another one: what a sequence began on an instance goes on there. */
export function splitRunner(runner: BatchRunner): readonly BatchRunner[] {
  const parts = Array.from(
    { length: runner.instanceCount },
    (_, instance) => new OneInstance(runner, instance),
  );
  runner.onIdle = (instance) => parts[instance]?.becomeIdle();
  return parts;
}

class OneInstance implements BatchRunner {
  readonly instanceCount = 1;
  readonly #runner: BatchRunner;
  readonly #instance: number;
  idleCount = 1;
  onIdle: ((instance: number) => void) | undefined = undefined;

  constructor(runner: BatchRunner, instance: number) {
    this.#runner = runner;
    this.#instance = instance;
  }

  claim(): number | undefined {
    return this.#runner.claim(this.#instance) === undefined ? undefined : 0;
  }

  /** Steps of a sequence wait for one another. */
  claimAhead(): undefined {
    return undefined;
  }

  withdraw(): void {
    this.#runner.withdraw(this.#instance);
  }

  run(batch: Batch): void {
    this.idleCount = 0;
    this.#runner.run(batch, this.#instance);
  }

  becomeIdle(): void {
    this.idleCount = 1;
    this.onIdle?.(0);
  }
}
