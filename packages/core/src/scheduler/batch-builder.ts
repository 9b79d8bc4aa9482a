import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { RequestQueue } from './request-queue.ts';

/** How a model's batches are formed. */
export interface BatchRules {
  /** 1 for a model that does not batch: each request is a batch of its own, whatever its size. */
  readonly maxBatchSize: number;
  /** Descending. */
  readonly preferredBatchSizes: readonly number[];
  readonly maxQueueDelayNs: number;
  /** Whether two requests may run together. */
  readonly canJoin: (first: InferenceRequest, next: InferenceRequest) => boolean;
}

/** What to do with the queue as it stands. */
export type BatchPlan =
  | { readonly kind: 'run'; /** Requests to take from the front. */ readonly count: number }
  | { readonly kind: 'wait'; readonly untilNs: number };

/**
 * Decides what the next batch is, from the waiting requests, the rules and the time alone (SCH-03, SCH-04).
 *
 * Takes the largest preferred size that the front of the queue makes up; failing that, everything that fits,
 * at once when nothing can be added any more or the oldest request has waited long enough.
 *
 * @param queue - Not empty.
 */
export function planBatch(queue: RequestQueue, rules: BatchRules, nowNs: number): BatchPlan {
  let first: InferenceRequest | undefined;
  let count = 0;
  let size = 0;
  let preferredCount = 0;
  let oldest = Infinity;
  let closed = false;
  for (const { request } of queue) {
    first ??= request;
    const fits = size + request.batchSize <= rules.maxBatchSize;
    if (count > 0 && !(fits && rules.canJoin(first, request))) {
      closed = true;
      break;
    }
    count += 1;
    size += request.batchSize;
    oldest = Math.min(oldest, request.times.queued);
    if (rules.preferredBatchSizes.includes(size)) preferredCount = count;
  }
  if (preferredCount > 0) return { kind: 'run', count: preferredCount };
  const until = oldest + rules.maxQueueDelayNs;
  if (closed || size >= rules.maxBatchSize || until <= nowNs) return { kind: 'run', count };
  return { kind: 'wait', untilNs: until };
}

/** The rules that a configuration asks for. */
export function createBatchRules(config: ModelConfig): BatchRules {
  const batching = config.dynamic_batching;
  const batches = batching !== undefined && config.max_batch_size > 1;
  return {
    maxBatchSize: batches ? config.max_batch_size : 1,
    preferredBatchSizes: batches ? batching.preferred_batch_size.toSorted((a, b) => b - a) : [],
    maxQueueDelayNs: batches ? batching.max_queue_delay_microseconds * 1000 : 0,
    canJoin: createCanJoin(config),
  };
}

/** Requests run together when they give the same inputs in the same shapes, ragged inputs aside (SCH-05). */
function createCanJoin(config: ModelConfig): BatchRules['canJoin'] {
  const ragged = new Set(config.input.filter((i) => i.allow_ragged_batch).map((i) => i.name));
  const states = config.sequence_batching?.state ?? [];
  const varies =
    config.input.some((i) => i.optional || (i.dims.includes(-1) && !ragged.has(i.name))) ||
    states.some((state) => state.dims.includes(-1));
  if (!varies) return () => true;
  return (first, next) => {
    if (first.inputs.length !== next.inputs.length) return false;
    return first.inputs.every((input, at) => {
      const other = next.inputs[at];
      if (other?.name !== input.name) return false;
      return ragged.has(input.name) || sameRowShape(input.shape, other.shape);
    });
  };
}

/** Whether two shapes are equal after their batch dimension. */
function sameRowShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, at) => at === 0 || dim === b[at]);
}
