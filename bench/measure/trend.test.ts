import assert from 'node:assert/strict';
import { test } from 'node:test';
import { growthPerHour } from './trend.ts';

const every10s = (value: (index: number) => number) =>
  Array.from({ length: 100 }, (_, index) => ({ seconds: 10 * index, value: value(index) }));

test('what grows by a tenth each ten seconds grows by 36 an hour', () => {
  assert.ok(Math.abs(growthPerHour(every10s((index) => 200 + index / 10)) - 36) < 1e-9);
});

test('what goes up and down as often does not grow', () => {
  const wave = every10s((index) => 200 + Math.sin(((index - 49.5) * Math.PI) / 4) ** 2);
  assert.ok(Math.abs(growthPerHour(wave)) < 1e-9);
});

test('one value, or none, has no slope', () => {
  assert.equal(growthPerHour([]), 0);
  assert.equal(growthPerHour([{ seconds: 0, value: 5 }]), 0);
});
