import assert from 'node:assert/strict';
import test from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { MetricsRegistry, type MetricsOptions } from './metrics.ts';
import { ModelStatistics, type ModelStatisticsFields } from './statistics.ts';

const OPTIONS: MetricsOptions = {
  counterLatencies: true,
  histogramLatencies: false,
  summaryLatencies: false,
  summaryQuantiles: [
    { quantile: 0.5, error: 0.05 },
    { quantile: 0.9, error: 0.01 },
  ],
  cpuMetrics: false,
  intervalMs: 2000,
};

const SILENT: Logger = { verbose: () => {}, info: () => {}, warning: () => {}, error: () => {} };

function createRegistry(options: Partial<MetricsOptions> = {}): MetricsRegistry {
  return new MetricsRegistry({ ...OPTIONS, ...options }, { logger: SILENT, nowMs: () => 0 });
}

function addModel(registry: MetricsRegistry, fields: Partial<ModelStatisticsFields> = {}): ModelStatistics {
  const statistics = new ModelStatistics({
    model: 'addsub',
    version: '1',
    tags: {},
    responseCache: false,
    ...fields,
  });
  registry.add(statistics);
  return statistics;
}

/** Names of the published families with a prefix, with their types. */
function families(page: string, prefix: string): Record<string, string | undefined> {
  const types = [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].filter(([, name]) => name?.startsWith(prefix));
  return Object.fromEntries(types.map(([, name, type]) => [name, type]));
}

function lines(page: string, prefix: string): readonly string[] {
  return page.split('\n').filter((line) => line.startsWith(prefix));
}

test('publishes the counters of a model with its labels', async () => {
  const registry = createRegistry();
  const statistics = addModel(registry);
  statistics.recordExecution(3, 1000, 2000, 3000);
  statistics.recordSuccess(9999, 1000, 1000, 2000, 3000);
  statistics.pending = 4;
  const page = await registry.render();
  assert.deepEqual(families(page, 'nv_inference'), {
    nv_inference_request_success: 'counter',
    nv_inference_request_failure: 'counter',
    nv_inference_count: 'counter',
    nv_inference_exec_count: 'counter',
    nv_inference_pending_request_count: 'gauge',
    nv_inference_request_duration_us: 'counter',
    nv_inference_queue_duration_us: 'counter',
    nv_inference_compute_input_duration_us: 'counter',
    nv_inference_compute_infer_duration_us: 'counter',
    nv_inference_compute_output_duration_us: 'counter',
  });
  assert.deepEqual(lines(page, 'nv_inference_count'), ['nv_inference_count{model="addsub",version="1"} 3']);
  assert.deepEqual(lines(page, 'nv_inference_request_duration_us'), [
    'nv_inference_request_duration_us{model="addsub",version="1"} 9',
  ]);
  assert.deepEqual(lines(page, 'nv_inference_pending'), [
    'nv_inference_pending_request_count{model="addsub",version="1"} 4',
  ]);
});

test('publishes all reasons of failure from the start', async () => {
  const registry = createRegistry();
  addModel(registry).recordFailure(1, 'CANCELED');
  assert.deepEqual(lines(await registry.render(), 'nv_inference_request_failure'), [
    'nv_inference_request_failure{model="addsub",version="1",reason="REJECTED"} 0',
    'nv_inference_request_failure{model="addsub",version="1",reason="CANCELED"} 1',
    'nv_inference_request_failure{model="addsub",version="1",reason="BACKEND"} 0',
    'nv_inference_request_failure{model="addsub",version="1",reason="OTHER"} 0',
  ]);
});

test('each family has HELP and TYPE once, before its samples of all models', async () => {
  const registry = createRegistry();
  addModel(registry);
  addModel(registry, { version: '2' });
  const page = await registry.render();
  assert.equal(page.match(/# HELP nv_inference_count /g)?.length, 1);
  assert.match(
    page,
    /# TYPE nv_inference_count counter\nnv_inference_count\{.*"1"\} 0\nnv_inference_count\{.*"2"\} 0\n/,
  );
  assert.ok(page.endsWith('\n'));
});

test('tags are labels with an underscore, and what they hold is escaped', async () => {
  const registry = createRegistry();
  addModel(registry, { tags: { team: 'a"b\\c\nd', 'dash-ed': 'x' } });
  assert.deepEqual(lines(await registry.render(), 'nv_inference_count'), [
    'nv_inference_count{model="addsub",version="1",_team="a\\"b\\\\c\\nd",_dash_ed="x"} 0',
  ]);
});

test('a removed model and families without models do not appear', async () => {
  const registry = createRegistry();
  const statistics = addModel(registry);
  assert.deepEqual(families(await registry.render(), 'nv_cache'), {});
  registry.remove(statistics);
  assert.deepEqual(families(await registry.render(), 'nv_inference'), {});
});

test('publishes cache counters of models with a cache only', async () => {
  const registry = createRegistry();
  addModel(registry);
  addModel(registry, { model: 'cached', responseCache: true }).recordCacheHit(5000, 3000);
  const page = await registry.render();
  assert.deepEqual(families(page, 'nv_cache'), {
    nv_cache_num_hits_per_model: 'counter',
    nv_cache_num_misses_per_model: 'counter',
    nv_cache_hit_duration_per_model: 'counter',
    nv_cache_miss_duration_per_model: 'counter',
  });
  assert.deepEqual(lines(page, 'nv_cache_hit_duration'), [
    'nv_cache_hit_duration_per_model{model="cached",version="1"} 3',
  ]);
});

test('summaries take the place of latency counters where the options say so', async () => {
  const registry = createRegistry({ counterLatencies: false, summaryLatencies: true });
  const statistics = addModel(registry);
  for (const us of [10, 20, 30]) statistics.recordSuccess(us * 1000, 0, 0, 0, 0);
  const page = await registry.render();
  assert.deepEqual(Object.keys(families(page, 'nv_inference')), [
    'nv_inference_request_success',
    'nv_inference_request_failure',
    'nv_inference_count',
    'nv_inference_exec_count',
    'nv_inference_pending_request_count',
    'nv_inference_request_summary_us',
    'nv_inference_queue_summary_us',
    'nv_inference_compute_input_summary_us',
    'nv_inference_compute_infer_summary_us',
    'nv_inference_compute_output_summary_us',
  ]);
  assert.deepEqual(lines(page, 'nv_inference_request_summary_us'), [
    'nv_inference_request_summary_us_count{model="addsub",version="1"} 3',
    'nv_inference_request_summary_us_sum{model="addsub",version="1"} 60',
    'nv_inference_request_summary_us{model="addsub",version="1",quantile="0.5"} 20',
    'nv_inference_request_summary_us{model="addsub",version="1",quantile="0.9"} 30',
  ]);
});

test('the request summary of a model with a cache is not published', async () => {
  const registry = createRegistry({ summaryLatencies: true });
  addModel(registry, { responseCache: true });
  const page = await registry.render();
  assert.deepEqual(families(page, 'nv_inference_request_summary'), {});
  assert.deepEqual(Object.keys(families(page, 'nv_inference_queue_summary')), [
    'nv_inference_queue_summary_us',
  ]);
  assert.deepEqual(Object.keys(families(page, 'nv_cache_hit_summary')), ['nv_cache_hit_summary_per_model']);
});

test('an empty summary has no number for its quantiles', async () => {
  const registry = createRegistry({ summaryLatencies: true });
  addModel(registry);
  assert.match(await registry.render(), /nv_inference_queue_summary_us\{.*quantile="0.5"\} NaN/);
});

test('the histogram of the first response appears when it is on', async () => {
  const registry = createRegistry({ histogramLatencies: true });
  addModel(registry).recordFirstResponse(600e6);
  assert.deepEqual(lines(await registry.render(), 'nv_inference_first_response_histogram_ms'), [
    'nv_inference_first_response_histogram_ms_count{model="addsub",version="1"} 1',
    'nv_inference_first_response_histogram_ms_sum{model="addsub",version="1"} 600',
    'nv_inference_first_response_histogram_ms_bucket{model="addsub",version="1",le="100"} 0',
    'nv_inference_first_response_histogram_ms_bucket{model="addsub",version="1",le="500"} 0',
    'nv_inference_first_response_histogram_ms_bucket{model="addsub",version="1",le="2000"} 1',
    'nv_inference_first_response_histogram_ms_bucket{model="addsub",version="1",le="5000"} 1',
    'nv_inference_first_response_histogram_ms_bucket{model="addsub",version="1",le="+Inf"} 1',
  ]);
});

test('request durations appear as histogram in seconds', async () => {
  const registry = createRegistry();
  addModel(registry).recordSuccess(200_000, 0, 0, 0, 0);
  const page = await registry.render();
  assert.ok(page.includes('nereid_request_duration_seconds_sum{model="addsub",version="1"} 0.0002\n'));
  assert.ok(
    page.includes('nereid_request_duration_seconds_bucket{model="addsub",version="1",le="0.0001"} 0\n'),
  );
  assert.ok(
    page.includes('nereid_request_duration_seconds_bucket{model="addsub",version="1",le="0.00025"} 1\n'),
  );
});

test('machine gauges are measured once an interval, utilization since the measurement before', async () => {
  let now = 0;
  let busy = 0;
  const probe = { cpuTimes: () => ({ busy, total: now }), memory: () => ({ total: 100, used: busy }) };
  const options = { ...OPTIONS, cpuMetrics: true };
  const registry = new MetricsRegistry(options, { logger: SILENT, nowMs: () => now, probe });
  [now, busy] = [1000, 500];
  assert.deepEqual(lines(await registry.render(), 'nv_cpu'), [
    'nv_cpu_utilization 0',
    'nv_cpu_memory_total_bytes 100',
    'nv_cpu_memory_used_bytes 0',
  ]);
  now = 2000;
  assert.deepEqual(lines(await registry.render(), 'nv_cpu'), [
    'nv_cpu_utilization 0.25',
    'nv_cpu_memory_total_bytes 100',
    'nv_cpu_memory_used_bytes 500',
  ]);
  assert.deepEqual(lines(await registry.render(), 'nv_pinned'), [
    'nv_pinned_memory_pool_total_bytes 0',
    'nv_pinned_memory_pool_used_bytes 0',
  ]);
});

test('this machine can be measured', async () => {
  const registry = new MetricsRegistry({ ...OPTIONS, cpuMetrics: true }, { logger: SILENT });
  assert.match(await registry.render(), /nv_cpu_memory_used_bytes [1-9]/);
});

test('metrics of backends follow those of the server', async () => {
  const registry = createRegistry();
  registry.backendMetrics
    .counter({ name: 'items_total', description: 'Items' }, { model: 'm' })
    .increment(2.5);
  assert.ok(
    (await registry.render()).endsWith(
      '# HELP items_total Items\n# TYPE items_total counter\nitems_total{model="m"} 2.5\n',
    ),
  );
});
