import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Figure } from '../measure/figure.ts';
import { renderMarkdown } from './markdown.ts';
import { renderPlot } from './plot.ts';

const side = (name: string, median: number) => ({
  name,
  requestsPerSecond: { median, min: median - 1, max: median + 1 },
  p50Us: 12.5,
});
const FIGURES: readonly Figure[] = [
  {
    kind: 'ratio',
    scenario: 's',
    name: 'A <fast> one',
    subject: side('ours', 7000),
    base: side('bare & simple', 10_000),
    ratio: { median: 0.7, min: 0.65, max: 0.75 },
    goal: 0.6,
  },
  {
    kind: 'value',
    scenario: 's',
    name: 'Start',
    unit: 'ms',
    value: { median: 300, min: 290, max: 340 },
    goal: 250,
  },
  {
    kind: 'value',
    scenario: 's',
    name: 'Aside',
    unit: 'MB',
    value: { median: 5, min: 5, max: 5 },
    goal: undefined,
  },
];
const MACHINE = { cpu: 'CPU', cores: 2, memoryGb: 4, system: 'linux', node: 'v26' };

test('the plot shows each figure that has something to be held against, its goal and its range', () => {
  const plot = renderPlot({ figures: FIGURES, machine: MACHINE });
  assert.match(plot, /A &lt;fast&gt; one/);
  assert.match(plot, />0\.70<.*of bare &amp; simple/);
  assert.match(plot, />300<.*of 250 ms/);
  assert.doesNotMatch(plot, /Aside/);
  assert.equal(plot.match(/class="goal"/g)?.length, 2);
  assert.equal(plot.match(/class="met"/g)?.length, 1 + 1, 'a bar and the legend');
  assert.equal(plot.match(/class="missed"/g)?.length, 1 + 1);
});

test('every element of the plot is closed', () => {
  const open: string[] = [];
  const plot = renderPlot({ figures: FIGURES, machine: MACHINE });
  for (const [, close, name, alone] of plot.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (close === '/') assert.equal(open.pop(), name);
    else if (alone !== '/') open.push(name ?? '');
  }
  assert.deepEqual(open, []);
});

test('the page names the machine, the load and every figure with its goal', () => {
  const page = renderMarkdown({
    date: '2026-01-02T03:04:05Z',
    machine: MACHINE,
    loadGenerators: { http: 'wrk 4', grpc: 'ghz 0' },
    rounds: { rounds: 3, seconds: 1, warmUpSeconds: 1 },
    notes: [],
    figures: FIGURES,
    micro: [{ name: 'decode', nanoseconds: { median: 1500, min: 1400, max: 1600 } }],
  });
  assert.match(page, /CPU, 2 cores/);
  assert.match(page, /wrk 4/);
  assert.match(
    page,
    /\| A <fast> one \| ours: 7,000 \(p50 12\.5 µs\) \|.*0\.70 \(0\.65–0\.75\) \| ≥ 0\.60 \| met \|/,
  );
  assert.match(page, /\| Start \| 300 \(290–340\) ms \| ≤ 250 ms \| missed \|/);
  assert.match(page, /\| decode \| 1,500 \(1,400–1,600\) \|/);
});
