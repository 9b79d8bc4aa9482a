import type { InferenceRequest } from '../request/inference-request.ts';

/** Requests chosen to run together. */
export interface Batch {
  readonly requests: readonly InferenceRequest[];
  /** Sum of the requests' batch sizes; padding does not count. */
  readonly size: number;
}

/** Who executes batches: a model's instances, as a scheduler sees them. */
export interface BatchRunner {
  /** Instances that could take a batch now. */
  readonly idleCount: number;
  /** Number of instances, busy or not. */
  readonly instanceCount: number;
  /** Called with the index of an instance that ended a batch, or whose turn has come. Set by the scheduler. */
  onIdle: ((instance: number) => void) | undefined;
  /**
   * Asks for an instance to execute a batch that could run now. It is to be used at once, or given back by `withdraw`.
   *
   * @param instance - Index of the only instance that will do; default: any idle one.
   * @returns Its index. Undefined where all must wait for their turn: requests stay in their queue until `onIdle`.
   */
  claim(instance?: number): number | undefined;
  /**
   * Asks for an instance that takes a batch while it still executes another one. Only for requests that nothing can
   * happen to in their queue any more: they could not be overtaken, say.
   *
   * @returns Its index; undefined: none does now.
   */
  claimAhead(): number | undefined;
  /** There is no batch any more for what was claimed: of that instance, or of all. */
  withdraw(instance?: number): void;
  /**
   * Executes a batch and answers its requests.
   *
   * @param instance - Index of the instance that `claim` gave.
   */
  run(batch: Batch, instance: number): void;
}
