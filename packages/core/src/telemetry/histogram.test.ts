import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Histogram } from './histogram.ts';

test('a value counts in every bucket whose bound it does not exceed', () => {
  const histogram = new Histogram([1, 2.5, 10]);
  for (const value of [0, 1, 1.1, 10, 11]) histogram.observe(value);
  assert.deepEqual(histogram.cumulativeCounts(), [2, 3, 4, 5]);
  assert.equal(histogram.sum, 23.1);
});

test('the bucket search finds what a scan finds, for any bounds', () => {
  const bounds = fc.uniqueArray(fc.integer({ min: -50, max: 50 }), { minLength: 0, maxLength: 20 });
  fc.assert(
    fc.property(bounds, fc.array(fc.integer({ min: -60, max: 60 })), (unsorted, values) => {
      const sorted = unsorted.sort((a, b) => a - b);
      const histogram = new Histogram(sorted);
      for (const value of values) histogram.observe(value);
      const expected = [...sorted, Infinity].map((bound) => values.filter((value) => value <= bound).length);
      assert.deepEqual(histogram.cumulativeCounts(), expected);
    }),
  );
});
