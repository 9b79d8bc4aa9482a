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
  /** Called with the index of an instance that becomes idle. Set by the scheduler. */
  onIdle: ((instance: number) => void) | undefined;
  /**
   * Executes a batch and answers its requests.
   *
   * @param instance - Index of the instance that must take it; default: any idle one.
   */
  run(batch: Batch, instance?: number): void;
}
