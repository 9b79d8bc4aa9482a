import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashPrefixes, PrefixAffinity } from './prefix-affinity.ts';

const SYSTEM = 'You are a helpful assistant.';

test('prompts that begin alike have their first hashes in common', () => {
  const one = hashPrefixes([SYSTEM, 'Hello', 'Hi!', 'How are you?']);
  const other = hashPrefixes([SYSTEM, 'Hello', 'Hi!', 'What time is it?']);
  assert.equal(one.length, 4);
  assert.deepEqual(one.slice(0, 3), other.slice(0, 3));
  assert.notEqual(one[3], other[3]);
});

test('where a message ends is part of it', () => {
  assert.notEqual(hashPrefixes(['ab', 'c']).at(-1), hashPrefixes(['a', 'bc']).at(-1));
});

test('a long text has beginnings of its own', () => {
  const long = 'x'.repeat(3000);
  const hashes = hashPrefixes([`${long}a`]);
  assert.equal(hashes.length, 3);
  assert.deepEqual(hashPrefixes([`${long}b`]).slice(0, 2), hashes.slice(0, 2));
});

test('what lies behind 32 KiB makes no difference', () => {
  const long = 'x'.repeat(40_000);
  assert.deepEqual(hashPrefixes([`${long}a`, 'b']), hashPrefixes([`${long}c`, 'd', 'e']));
});

test('finds the engine of the longest beginning', () => {
  const affinity = new PrefixAffinity<string>();
  affinity.record([1, 2, 3], 'a');
  affinity.record([1, 2, 4], 'b');
  assert.equal(affinity.find([1, 2, 3, 5]), 'a');
  assert.equal(affinity.find([1, 2, 7]), 'b');
  assert.equal(affinity.find([8]), undefined);
});

test('forgets what was not seen for longest', () => {
  const affinity = new PrefixAffinity<string>(3);
  affinity.record([1, 2], 'a');
  affinity.record([3], 'b');
  affinity.record([1], 'a');
  affinity.record([4], 'c');
  assert.deepEqual(
    [1, 2, 3, 4].map((prefix) => affinity.find([prefix])),
    ['a', undefined, 'b', 'c'],
  );
});

test('forgets an engine whose cache is lost', () => {
  const affinity = new PrefixAffinity<string>();
  affinity.record([1], 'a');
  affinity.record([1, 2], 'b');
  affinity.forget('b');
  assert.equal(affinity.find([1, 2]), undefined);
});
