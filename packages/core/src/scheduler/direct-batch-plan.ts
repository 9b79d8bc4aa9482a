import type { InferenceRequest } from '../request/inference-request.ts';
import type { BatchRules } from './batch-builder.ts';

/** The steps that wait on an instance, by the row of their sequence. */
export type WaitingRows = readonly (InferenceRequest | undefined)[];

/** How steps of different rows are put together. */
export interface DirectBatchRules {
  readonly maxQueueDelayNs: number;
  /** Rows that must have a step before the delay is over. */
  readonly minimumRows: number;
  readonly canJoin: BatchRules['canJoin'];
}

/** What to do with the steps that wait. */
export type DirectBatchPlan =
  | { readonly kind: 'run'; /** Ascending. */ readonly rows: readonly number[] }
  | { readonly kind: 'wait'; readonly untilNs: number };

/**
 * Decides which rows run now (SCH-17): all that fit the step that has waited longest, once enough of them are there
 * or it has waited long enough.
 *
 * @param waiting - At least one row has a step.
 */
export function planDirectBatch(
  waiting: WaitingRows,
  rules: DirectBatchRules,
  nowNs: number,
): DirectBatchPlan {
  let oldest: InferenceRequest | undefined;
  for (const step of waiting) {
    if (step !== undefined && (oldest === undefined || step.times.queued < oldest.times.queued))
      oldest = step;
  }
  if (oldest === undefined) throw new Error('no step waits');
  const rows: number[] = [];
  waiting.forEach((step, row) => {
    if (step !== undefined && (step === oldest || rules.canJoin(oldest, step))) rows.push(row);
  });
  const until = oldest.times.queued + rules.maxQueueDelayNs;
  if (rows.length >= rules.minimumRows || until <= nowNs) return { kind: 'run', rows };
  return { kind: 'wait', untilNs: until };
}
