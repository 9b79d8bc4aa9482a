import assert from 'node:assert/strict';
import { test } from 'node:test';
import { quantilesOf } from './quantiles.ts';

test('quantiles are values that were measured', () => {
  const values = Array.from({ length: 1000 }, (_, index) => 999 - index);
  assert.deepEqual(quantilesOf(values), { p50: 500, p99: 990, max: 999, count: 1000 });
  assert.deepEqual(quantilesOf([3]), { p50: 3, p99: 3, max: 3, count: 1 });
});

test('of nothing there are none', () => {
  assert.throws(() => quantilesOf([]), RangeError);
});
