import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valueFigure } from '../measure/figure.ts';
import { mergeResults } from './merge-results.ts';
import type { Results } from './results.ts';

const figure = (scenario: string, name: string) => valueFigure({ scenario, name, unit: 'ms', values: [1] });

function results(date: string, figures: Results['figures'], cpu = 'a processor'): Results {
  return {
    date,
    machine: { cpu, cores: 2, memoryGb: 8, system: 'linux 6 x64', node: 'v26.10.0' },
    loadGenerators: { http: 'wrk 4', grpc: 'ghz 1' },
    rounds: { rounds: 5, seconds: 2, warmUpSeconds: 2 },
    notes: [],
    figures,
    micro: [],
  };
}

test('scenarios that were measured again stand where they stood, new ones at the end', () => {
  const before = results('2026-01-01T00:00:00Z', [
    figure('a', 'a1'),
    figure('b', 'old b1'),
    figure('b', 'old b2'),
    figure('c', 'c1'),
  ]);
  const now = results('2026-02-03T00:00:00Z', [figure('d', 'd1'), figure('b', 'new b')]);
  const merged = mergeResults(before, now);
  assert.deepEqual(
    merged.figures.map(({ name }) => name),
    ['a1', 'new b', 'c1', 'd1'],
  );
  assert.equal(merged.date, before.date);
  assert.deepEqual(merged.notes, ['Measured again by itself, 2026-02-03: d, b.']);
});

test('what is noted of a run stands with what was measured in it, as long as it is the last', () => {
  const at = (date: string, scenarios: readonly string[], notes: readonly string[]): Results => ({
    ...results(
      `2026-${date}T00:00:00Z`,
      scenarios.map((name) => figure(name, name)),
    ),
    notes,
  });
  const whole = at('01-01', ['a', 'b', 'c'], ['Of the whole.']);
  const first = mergeResults(whole, at('02-01', ['a', 'b'], ['It was slow.']));
  assert.deepEqual(first.notes, [
    'Of the whole.',
    'Measured again by itself, 2026-02-01: a, b. It was slow.',
  ]);
  const second = mergeResults(first, at('03-01', ['b', 'c'], []));
  assert.deepEqual(second.notes, [
    'Of the whole.',
    'Measured again by itself, 2026-02-01: a. It was slow.',
    'Measured again by itself, 2026-03-01: b, c.',
  ]);
  const third = mergeResults(second, at('04-01', ['a', 'b', 'c'], []));
  assert.deepEqual(third.notes, ['Of the whole.', 'Measured again by itself, 2026-04-01: a, b, c.']);
});

test('results of another machine are not put together', () => {
  const before = results('2026-01-01T00:00:00Z', []);
  const now = results('2026-02-03T00:00:00Z', [], 'another processor');
  assert.throws(() => mergeResults(before, now), /another kind of machine/);
});
