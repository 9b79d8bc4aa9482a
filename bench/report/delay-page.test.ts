import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DelayStudy } from '../measure/delay-study.ts';
import { renderDelayPage, renderDelayPlot } from './delay-page.ts';

const spread = (median: number) => ({ median, min: median * 0.9, max: median * 1.1 });
const STUDY: DelayStudy = {
  model: 'MLP',
  maxBatchSize: 64,
  cells: [1, 16].flatMap((connections) =>
    [0, 500, 2000].map((delayUs) => ({
      delayUs,
      connections,
      requestsPerSecond: spread(1000 * connections),
      p50Us: spread(400 + delayUs),
      batchSize: connections / 2,
    })),
  ),
};
const CONTEXT = {
  date: '2026-01-02T03:04:05Z',
  machine: { cpu: 'CPU', cores: 2, memoryGb: 4, system: 'linux', node: 'v26' },
  loadGenerators: { http: 'wrk 4', grpc: 'ghz 0' },
  rounds: { rounds: 3, seconds: 1, warmUpSeconds: 1 },
};

test('the page has a row for each number of connections and a column for each delay', () => {
  const page = renderDelayPage(STUDY, CONTEXT);
  assert.match(page, /\| connections \| delay 0 µs \| delay 500 µs \| delay 2 ms \|/);
  assert.match(page, /\| 16 \| 16,000 \(14,400–17,600\) \|/);
  assert.match(page, /\| 1 \| 400 \(360–440\) \| 900 \(810–990\) \| 2,400 \(2,160–2,640\) \|/);
  assert.match(page, /\| 16 \| 8\.00 \| 8\.00 \| 8\.00 \|/);
});

test('the plot has a line for each number of connections in both panels, higher where the value is', () => {
  const plot = renderDelayPlot(STUDY);
  const lines = [...plot.matchAll(/<polyline class="\w+" points="([^"]+)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => Number(point.split(',')[1])),
  );
  assert.deepEqual(
    lines.map(({ length }) => length),
    [3, 3, 3, 3],
  );
  const [one = [], sixteen = [], latency = []] = lines;
  assert.ok((sixteen[0] ?? NaN) < (one[0] ?? NaN), 'upwards on the page is less');
  assert.ok((latency[2] ?? NaN) < (latency[0] ?? NaN));
  assert.match(plot, />16 connections</);
});
