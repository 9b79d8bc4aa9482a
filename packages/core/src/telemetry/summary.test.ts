import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { Summary } from './summary.ts';

test('quantiles are those of the observed values to 0.8 percent', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 }), { minLength: 1 }), (values) => {
      const summary = new Summary(0);
      for (const value of values) summary.observe(value, 0);
      const sorted = values.sort((a, b) => a - b);
      const quantiles = [0, 0.5, 0.9, 0.999, 1];
      for (const [i, value] of summary.quantiles(quantiles, 0).entries()) {
        const rank = Math.max(1, Math.ceil((quantiles[i] ?? 0) * sorted.length));
        const exact = sorted[rank - 1] ?? NaN;
        assert.ok(Math.abs(value - exact) <= exact * 0.008, `${value} for ${exact}`);
      }
    }),
  );
});

test('the window forgets values after a minute, count and sum do not', () => {
  const summary = new Summary(0);
  summary.observe(100, 0);
  summary.observe(7, 30_000);
  assert.deepEqual(summary.quantiles([0, 1], 59_000), [7, 100]);
  assert.deepEqual(summary.quantiles([0, 1], 60_000), [7, 7]);
  assert.deepEqual(summary.quantiles([0.5], 600_000), [NaN]);
  assert.equal(summary.count, 2);
  assert.equal(summary.sum, 107);
});

test('values beyond the scale count as the largest', () => {
  const summary = new Summary(0);
  summary.observe(1e15, 0);
  const [value = NaN] = summary.quantiles([0.5], 0);
  assert.ok(value > 4.2e9 && value < 4.3e9);
});
