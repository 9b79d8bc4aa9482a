import assert from 'node:assert/strict';
import test from 'node:test';
import type { InferenceServerError } from '@nereid/protocol';
import { BackendMetrics } from './backend-metrics.ts';
import { Exposition } from './exposition.ts';

const ITEMS = { name: 'items', description: 'Items' };

function samples(metrics: BackendMetrics): readonly string[] {
  const exposition = new Exposition();
  metrics.render(exposition);
  return exposition
    .toString()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
}

function createMetrics(errors: InferenceServerError[] = []): BackendMetrics {
  return new BackendMetrics(['nv_inference_count'], (error) => errors.push(error));
}

test('two models that ask for one family share it, and one series when the labels are the same', () => {
  const metrics = createMetrics();
  metrics.counter(ITEMS, { model: 'a', kind: 'x' }).increment();
  metrics.counter(ITEMS, { kind: 'x', model: 'a' }).increment(2);
  metrics.counter(ITEMS, { model: 'b', kind: 'x' }).increment(5);
  assert.deepEqual(samples(metrics), ['items{kind="x",model="a"} 3', 'items{kind="x",model="b"} 5']);
});

test('gauges are set and changed', () => {
  const metrics = createMetrics();
  const gauge = metrics.gauge(ITEMS);
  gauge.set(7);
  gauge.increment(-2);
  assert.deepEqual(samples(metrics), ['items 5']);
});

test('histograms count in the buckets of their series, which the first to ask gives', () => {
  const metrics = createMetrics();
  metrics.histogram({ ...ITEMS, buckets: [1, 2] }).observe(1.5);
  metrics.histogram({ ...ITEMS, buckets: [5] }).observe(0.5);
  metrics.histogram({ ...ITEMS, buckets: [5] }, { kind: 'large' }).observe(3);
  assert.deepEqual(samples(metrics), [
    'items_count 2',
    'items_sum 2',
    'items_bucket{le="1"} 1',
    'items_bucket{le="2"} 2',
    'items_bucket{le="+Inf"} 2',
    'items_count{kind="large"} 1',
    'items_sum{kind="large"} 3',
    'items_bucket{kind="large",le="5"} 1',
    'items_bucket{kind="large",le="+Inf"} 1',
  ]);
});

test('a family cannot be of two kinds, nor one of the server', () => {
  const metrics = createMetrics();
  metrics.counter(ITEMS);
  assert.throws(() => metrics.gauge(ITEMS), {
    code: 'ALREADY_EXISTS',
    message: "metric 'items' is asked for as gauge but is a counter",
  });
  assert.throws(() => metrics.counter({ name: 'nv_inference_count', description: '' }), {
    message: "metric 'nv_inference_count' is asked for as counter but is one of the server",
  });
});

test('names that Prometheus would refuse are refused', () => {
  const metrics = createMetrics();
  assert.throws(
    () => metrics.counter({ name: 'my-items', description: '' }),
    /metric 'my-items': expected a name/,
  );
  assert.throws(() => metrics.counter(ITEMS, { 'a-b': '' }), /expected label names .* found 'a-b'/);
  assert.throws(
    () => metrics.histogram({ name: 'h', description: '', buckets: [2, 1] }),
    /ascending order, found '\[2, 1\]'/,
  );
});

test('a counter never goes down', () => {
  assert.throws(() => createMetrics().counter(ITEMS).increment(-1), /counter 'items' only grows/);
});

test('changes made elsewhere are applied, and what is wrong with them is told', () => {
  const errors: InferenceServerError[] = [];
  const metrics = createMetrics(errors);
  const update = { name: 'items', description: 'Items', buckets: [], labels: {}, value: 2 } as const;
  metrics.apply({ ...update, metric: 'gauge' });
  metrics.apply({ ...update, metric: 'gaugeIncrement' });
  metrics.apply({ ...update, metric: 'counter' });
  assert.deepEqual(samples(metrics), ['items 4']);
  assert.deepEqual(
    errors.map(({ code }) => code),
    ['ALREADY_EXISTS'],
  );
});
