import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Figure } from '../measure/figure.ts';
import { compareResults, replaceVerdicts } from './compare-results.ts';

function ratio(name: string, median: number, baseName = 'node:http echo'): Figure {
  const side = (of: string) => ({ name: of, requestsPerSecond: { median: 1, min: 1, max: 1 }, p50Us: 1 });
  const spread = { median, min: median, max: median };
  return {
    kind: 'ratio',
    scenario: 's',
    name,
    subject: side('Nereid'),
    base: side(baseName),
    ratio: spread,
    goal: undefined,
  };
}

test('a ratio may lose a tenth of the committed one, and no more', () => {
  const committed = [ratio('kept', 0.8), ratio('worse', 0.8), ratio('better', 0.8)];
  const now = [ratio('kept', 0.721), ratio('worse', 0.719), ratio('better', 0.9)];
  const lost = compareResults(committed, now).filter(({ isLost }) => isLost);
  assert.deepEqual(
    lost.map(({ name }) => name),
    ['worse'],
  );
});

test('a ratio without a committed one is shown, and not lost', () => {
  const [verdict] = compareResults([], [ratio('new', 0.1)]);
  assert.deepEqual(verdict, { name: 'new', scenario: 's', committed: undefined, now: 0.1, isLost: false });
});

test('what is not a ratio to a bare echo is left out', () => {
  const figures = [ratio('one of many', 0.8, 'the only model')];
  assert.deepEqual(compareResults(figures, [ratio('one of many', 0.1, 'the only model')]), []);
});

test('a loss stands only when it shows a second time; a ratio that was not lost is not judged again', () => {
  const committed = ['noise', 'loss', 'fine'].map((name) => ratio(name, 1));
  const first = compareResults(committed, [ratio('noise', 0.5), ratio('loss', 0.5), ratio('fine', 1)]);
  const second = compareResults(committed, [ratio('noise', 0.98), ratio('loss', 0.6), ratio('fine', 0.5)]);
  assert.deepEqual(
    replaceVerdicts(first, second).map(({ name, now, isLost }) => [name, now, isLost]),
    [
      ['noise', 0.98, false],
      ['loss', 0.6, true],
      ['fine', 1, false],
    ],
  );
});

test('a loss that could not be measured again stands', () => {
  const first = compareResults([ratio('loss', 1)], [ratio('loss', 0.5)]);
  assert.deepEqual(replaceVerdicts(first, []), first);
});
