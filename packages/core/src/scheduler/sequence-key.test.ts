import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sequenceKey } from './sequence-key.ts';

test('a correlation ID has one key, however it is given as a number', () => {
  assert.equal(sequenceKey(5n), sequenceKey(5));
  assert.equal(sequenceKey(2n ** 53n - 1n), sequenceKey(Number.MAX_SAFE_INTEGER));
});

test('correlation IDs that differ have different keys', () => {
  const ids = [5, '5', 's5', 'n5', 2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n, `n${2n ** 53n}`];
  assert.equal(new Set(ids.map((id) => sequenceKey(id))).size, ids.length);
});
