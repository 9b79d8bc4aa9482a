import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DrainRate } from './drain-rate.ts';

test('knows nothing before the first request is done', () => {
  assert.equal(new DrainRate(0).tokensPerSecond(5000), undefined);
});

test('a steady flow is its rate, from the beginning on', () => {
  const rate = new DrainRate(0);
  for (let at = 100; at <= 3000; at += 100) rate.record(at, 50, 100);
  assertNear(rate.tokensPerSecond(3000), 500);
  for (let at = 3100; at <= 60_000; at += 100) rate.record(at, 50, 100);
  assertNear(rate.tokensPerSecond(60_000), 500);
});

test('follows the flow within a few windows', () => {
  const rate = new DrainRate(0);
  for (let at = 100; at <= 60_000; at += 100) rate.record(at, 50, 100);
  for (let at = 60_100; at <= 120_000; at += 100) rate.record(at, 200, 100);
  assertNear(rate.tokensPerSecond(120_000), 2000);
});

test('a pause does not make it less than one request after the other', () => {
  const rate = new DrainRate(0);
  rate.record(2000, 100, 2000);
  assertNear(rate.tokensPerSecond(10 * 60_000), 50);
});

function assertNear(found: number | undefined, expected: number): void {
  assert.ok(found !== undefined && Math.abs(found - expected) < expected * 0.05, `${found}, not ${expected}`);
}
