import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lookahead } from './lookahead.ts';

function lookahead(...ms: number[]): Lookahead {
  const ahead = new Lookahead();
  for (const one of ms) ahead.record(one);
  return ahead;
}

const times = (count: number, ms: number): number[] => Array.from({ length: count }, () => ms);

test('nothing is handed over early to a model of which nothing is known', () => {
  assert.equal(lookahead().depth, 0);
});

test('as many batches as the model executes in a millisecond, 32 at most', () => {
  assert.equal(lookahead(...times(100, 0.24)).depth, 4);
  assert.equal(lookahead(...times(100, 0.01)).depth, 32);
  assert.equal(lookahead(...times(100, 1.5)).depth, 0);
});

test('one slow execution ends it, until it is forgotten', () => {
  const ahead = lookahead(...times(100, 0.1), 4);
  assert.equal(ahead.depth, 0);
  for (const ms of times(20, 0.1)) ahead.record(ms);
  assert.ok(ahead.depth > 0);
});
