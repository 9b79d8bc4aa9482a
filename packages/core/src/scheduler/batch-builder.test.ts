import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { buildRequest, fp32 } from '../../test/build-request.ts';
import { createBatchRules, planBatch, type BatchPlan, type BatchRules } from './batch-builder.ts';
import { RequestQueue, UNLIMITED } from './request-queue.ts';

const RULES: BatchRules = {
  maxBatchSize: 8,
  preferredBatchSizes: [],
  maxQueueDelayNs: 0,
  canJoin: () => true,
};

/** Plans for requests of these batch sizes, all queued at time 0. */
function plan(sizes: readonly number[], rules: Partial<BatchRules> = {}, now = 0): BatchPlan {
  const queue = new RequestQueue([UNLIMITED]);
  for (const batchSize of sizes) queue.push(buildRequest({ batchSize }).request, 0);
  return planBatch(queue, { ...RULES, ...rules }, now);
}

describe('planBatch', () => {
  test('takes everything at once without a delay', () => {
    assert.deepEqual(plan([1, 1, 1]), { kind: 'run', count: 3 });
  });

  test('stops at the maximum batch size', () => {
    assert.deepEqual(plan([3, 3, 3]), { kind: 'run', count: 2 });
  });

  test('runs a request that is as large as the maximum alone', () => {
    assert.deepEqual(plan([8, 1]), { kind: 'run', count: 1 });
  });

  test('takes the largest preferred size that can be formed', () => {
    assert.deepEqual(plan([1, 1, 1, 1, 1, 1], { preferredBatchSizes: [4, 2] }), { kind: 'run', count: 4 });
  });

  test('takes what is there when no preferred size can be formed', () => {
    assert.deepEqual(plan([1, 1, 1], { preferredBatchSizes: [4] }), { kind: 'run', count: 3 });
  });

  test('waits for company until the delay of the oldest request is over', () => {
    assert.deepEqual(plan([1, 1], { maxQueueDelayNs: 500 }, 100), { kind: 'wait', untilNs: 500 });
    assert.deepEqual(plan([1, 1], { maxQueueDelayNs: 500 }, 500), { kind: 'run', count: 2 });
  });

  test('does not wait when a preferred size is reached', () => {
    assert.deepEqual(plan([2, 2, 1], { preferredBatchSizes: [4], maxQueueDelayNs: 500 }), {
      kind: 'run',
      count: 2,
    });
  });

  test('does not wait when the batch is full', () => {
    assert.deepEqual(plan([4, 4], { maxQueueDelayNs: 500 }), { kind: 'run', count: 2 });
  });

  test('does not wait when the next request can not join', () => {
    assert.deepEqual(plan([1, 1], { maxQueueDelayNs: 500, canJoin: () => false }), { kind: 'run', count: 1 });
  });
});

describe('createBatchRules', () => {
  const config = createModelConfig({
    max_batch_size: 8,
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1] }],
    dynamic_batching: { preferred_batch_size: [2, 8, 4], max_queue_delay_microseconds: 100 },
  });
  const request = (shape: number[]) => buildRequest({ inputs: [fp32('X', shape, [])] }).request;

  test('joins requests whose shapes differ in the batch dimension only', () => {
    const { canJoin } = createBatchRules(config);
    assert.equal(canJoin(request([1, 3]), request([2, 3])), true);
    assert.equal(canJoin(request([1, 3]), request([1, 4])), false);
  });

  test('keeps requests with other inputs apart', () => {
    const { canJoin } = createBatchRules(config);
    assert.equal(canJoin(request([1, 3]), buildRequest().request), false);
  });

  test('joins ragged inputs of any shape', () => {
    const ragged = createModelConfig({
      ...config,
      input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1], allow_ragged_batch: true }],
    });
    assert.equal(createBatchRules(ragged).canJoin(request([1, 3]), request([1, 4])), true);
  });

  test('gives preferred sizes in descending order and the delay in nanoseconds', () => {
    const { preferredBatchSizes, maxQueueDelayNs } = createBatchRules(config);
    assert.deepEqual(preferredBatchSizes, [8, 4, 2]);
    assert.equal(maxQueueDelayNs, 100_000);
  });

  test('never joins without a dynamic batcher', () => {
    assert.equal(createBatchRules(createModelConfig({ max_batch_size: 8 })).maxBatchSize, 1);
  });
});
