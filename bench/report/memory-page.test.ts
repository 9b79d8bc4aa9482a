import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthOf, renderMemoryPage, renderMemoryPlot, type MemoryResults } from './memory-page.ts';

/** An hour in which the server climbs by a MB a minute for a quarter, and then by what is given. */
function results(perHour: number, init: Partial<MemoryResults> = {}): MemoryResults {
  const samples = Array.from({ length: 360 }, (_, index) => {
    const seconds = 10 * (index + 1);
    const warm = Math.min(seconds, 900);
    return { seconds, server: 200 + warm / 60 + ((seconds - warm) / 3600) * perHour, children: 50 };
  });
  return {
    date: '2026-01-02T03:04:05Z',
    machine: { cpu: 'CPU', cores: 2, memoryGb: 4, system: 'linux', node: 'v26' },
    notes: [],
    minutes: 60,
    rate: 300,
    samples,
    tallies: { echo: { asked: 1000, answered: 990, left: 6, refused: 4 } },
    faults: [],
    idle: { nereid: { server: 100, children: 50 } },
    ...init,
  };
}

test('the first quarter, in which models get warm, is no growth', () => {
  assert.ok(Math.abs(growthOf(results(0))) < 0.01);
  assert.ok(Math.abs(growthOf(results(12)) - 12) < 0.1);
});

test('the page says whether memory is flat', () => {
  assert.match(renderMemoryPage(results(0)), /\| Growth \| -?0\.0 MB\/hour \| ≤ 5\.3 MB\/hour \| met \|/);
  assert.match(renderMemoryPage(results(60)), /\| Growth \| 60\.0 MB\/hour \| .* \| missed \|/);
});

test('the page has a row for each model', () => {
  assert.match(renderMemoryPage(results(0)), /\| echo \| 1,000 \| 990 \| 6 \| 4 \|/);
});

test('a Triton has rows where there was one', () => {
  assert.doesNotMatch(renderMemoryPage(results(0)), /Triton/);
  const idle = { nereid: { server: 100, children: 50 }, triton: { server: 50, children: 100 } };
  const page = renderMemoryPage(results(0, { idle }));
  assert.match(page, /\| Triton .* \| 50\.0 MB \+ 100 MB for the models \|/);
  assert.match(page, /\| Ratio to that Triton, all together \| 1\.00 \| ≤ 0\.80 \| missed \|/);
  assert.match(page, /\| Ratio to that Triton, processes of models \| 0\.50 \| ≤ 0\.80 \| met \|/);
});

test('faults are told', () => {
  assert.match(renderMemoryPage(results(0)), /no wrong answer/);
  const page = renderMemoryPage(results(0, { faults: ['echo: expected 1, found 2'] }));
  assert.match(page, /1 wrong answers or more/);
  assert.match(page, /- echo: expected 1, found 2/);
});

test('the plot has a line for all processes, the server, and the Python models', () => {
  assert.equal(renderMemoryPlot(results(0)).match(/<polyline/g)?.length, 3);
});
