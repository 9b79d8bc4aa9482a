import assert from 'node:assert/strict';
import test from 'node:test';
import { ModelStatistics } from './statistics.ts';

function createStatistics(): ModelStatistics {
  return new ModelStatistics({ model: 'addsub', version: '1', tags: {}, responseCache: false });
}

const NONE = { count: 0, ns: 0 };

test('a version that has done nothing shows all members, in the order of the extension', () => {
  const json = createStatistics().toJson();
  assert.deepEqual(json, {
    name: 'addsub',
    version: '1',
    last_inference: 0,
    inference_count: 0,
    execution_count: 0,
    inference_stats: {
      success: NONE,
      fail: NONE,
      queue: NONE,
      compute_input: NONE,
      compute_infer: NONE,
      compute_output: NONE,
      cache_hit: NONE,
      cache_miss: NONE,
    },
    response_stats: {},
    batch_stats: [],
    memory_usage: [],
  });
  assert.deepEqual(Object.keys(json), [
    'name',
    'version',
    'last_inference',
    'inference_count',
    'execution_count',
    'inference_stats',
    'response_stats',
    'batch_stats',
    'memory_usage',
  ]);
});

test('executions count by batch size, in ascending order', () => {
  const statistics = createStatistics();
  statistics.recordExecution(3, 1, 10, 2);
  statistics.recordExecution(1, 1, 4, 2);
  statistics.recordExecution(1, 2, 6, 3);
  const { inference_count, execution_count, batch_stats } = statistics.toJson();
  assert.deepEqual([inference_count, execution_count], [5, 3]);
  assert.deepEqual(batch_stats, [
    {
      batch_size: 1,
      compute_input: { count: 2, ns: 3 },
      compute_infer: { count: 2, ns: 10 },
      compute_output: { count: 2, ns: 5 },
    },
    {
      batch_size: 3,
      compute_input: { count: 1, ns: 1 },
      compute_infer: { count: 1, ns: 10 },
      compute_output: { count: 1, ns: 2 },
    },
  ]);
});

test('a failed execution counts as execution and batch, not as inference', () => {
  const statistics = createStatistics();
  statistics.recordFailedExecution(1, 1, 2, 3);
  statistics.recordFailure(50, 'BACKEND');
  const json = statistics.toJson();
  assert.deepEqual([json.inference_count, json.execution_count], [0, 1]);
  assert.equal(json.batch_stats[0]?.compute_infer.count, 1);
  assert.deepEqual(json.inference_stats.fail, { count: 1, ns: 50 });
  assert.deepEqual(json.inference_stats.queue, NONE);
  assert.equal(statistics.failures.BACKEND, 1);
});

test('an execution notes the time of the last inference', () => {
  const statistics = createStatistics();
  const before = Date.now();
  statistics.recordExecution(1, 1, 1, 1);
  assert.ok(statistics.lastInferenceMs >= before && statistics.lastInferenceMs <= Date.now());
});

test('a cache hit is a success that was not computed', () => {
  const statistics = createStatistics();
  statistics.recordCacheMiss(5);
  statistics.recordSuccess(100, 10, 20, 30, 40);
  statistics.recordCacheHit(7, 3);
  const stats = statistics.toJson().inference_stats;
  assert.deepEqual(stats.success, { count: 2, ns: 107 });
  assert.deepEqual(stats.queue, { count: 2, ns: 10 });
  assert.deepEqual(stats.compute_infer, { count: 1, ns: 30 });
  assert.deepEqual(stats.cache_hit, { count: 1, ns: 3 });
  assert.deepEqual(stats.cache_miss, { count: 1, ns: 5 });
});

test('places of responses from the 1,024th on are counted as one', () => {
  const statistics = createStatistics();
  for (const index of [1022, 1023, 9999])
    statistics.recordResponse(index, { computeInferNs: 1, computeOutputNs: 0, outcome: 'success' });
  const stats = statistics.toJson().response_stats;
  assert.equal(Object.keys(stats).length, 1024);
  assert.equal(stats['1022']?.success.count, 1);
  assert.equal(stats['1023']?.success.count, 2);
});

test('responses of a decoupled model count by their place', () => {
  const statistics = createStatistics();
  statistics.recordResponse(0, { computeInferNs: 10, computeOutputNs: 1, outcome: 'success' });
  statistics.recordResponse(1, { computeInferNs: 5, computeOutputNs: 0, outcome: 'empty' });
  statistics.recordResponse(0, { computeInferNs: 20, computeOutputNs: 2, outcome: 'fail' });
  assert.deepEqual(statistics.toJson().response_stats, {
    '0': {
      compute_infer: { count: 2, ns: 30 },
      compute_output: { count: 2, ns: 3 },
      success: { count: 1, ns: 11 },
      fail: { count: 1, ns: 22 },
      empty_response: NONE,
      cancel: NONE,
    },
    '1': {
      compute_infer: { count: 1, ns: 5 },
      compute_output: NONE,
      success: NONE,
      fail: NONE,
      empty_response: { count: 1, ns: 5 },
      cancel: NONE,
    },
  });
});

test('the buckets of the first response are those of model_metrics', () => {
  const family = 'nv_inference_first_response_histogram_ms';
  const control = { metric_identifier: { family }, histogram_options: { buckets: [1, 2] } };
  const modelMetrics = { metric_control: [control] };
  const fields = { model: 'm', version: '1', tags: {}, responseCache: false };
  const statistics = new ModelStatistics({ ...fields, modelMetrics });
  statistics.recordFirstResponse(1.5e6);
  assert.deepEqual(statistics.firstResponseHistogram.bounds, [1, 2]);
  assert.deepEqual(statistics.firstResponseHistogram.cumulativeCounts(), [0, 1, 1]);
  assert.deepEqual(createStatistics().firstResponseHistogram.bounds, [100, 500, 2000, 5000]);
});
