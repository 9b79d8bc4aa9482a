import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fp32 } from '../../test/build-request.ts';
import { LocalCache } from './local-cache.ts';
import type { CachedResponse } from './response-cache.ts';

function response(...values: readonly number[]): CachedResponse {
  const outputs = [fp32('Y', [values.length], values), fp32('Z', [1], [values.length])];
  return { outputs, parameters: { n: 1n }, isComplete: true };
}

test('gives back what was stored, and nothing under another key', () => {
  const cache = new LocalCache(10_000);
  cache.insert('a', response(1, 2, 3));
  assert.deepEqual(cache.lookup('a'), response(1, 2, 3));
  assert.equal(cache.lookup('b'), undefined);
});

test('a stored response does not change with the buffers that it came from or went to', () => {
  const cache = new LocalCache(10_000);
  const given = response(1, 2, 3);
  cache.insert('a', given);
  given.outputs[0]?.data.fill(9);
  cache.lookup('a')?.outputs[0]?.data.fill(8);
  assert.deepEqual(cache.lookup('a'), response(1, 2, 3));
});

test('drops what was not used for longest', () => {
  const cache = new LocalCache(2000);
  cache.insert('a', response(1));
  cache.insert('b', response(2));
  cache.lookup('a');
  cache.insert('c', response(3));
  assert.deepEqual(
    [cache.lookup('a'), cache.lookup('b'), cache.lookup('c')],
    [response(1), undefined, response(3)],
  );
});

test('does not store what is larger than the cache, and drops nothing for it', () => {
  const cache = new LocalCache(2000);
  cache.insert('a', response(1));
  cache.insert('large', response(...new Array<number>(500).fill(1)));
  assert.equal(cache.lookup('large'), undefined);
  assert.deepEqual(cache.lookup('a'), response(1));
});

test('never holds more than its size, and what it holds is the last that was stored', () => {
  const inserts = fc.array(fc.tuple(fc.nat(20), fc.nat(200)), { maxLength: 100 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20_000 }), inserts, (byteSize, entries) => {
      const cache = new LocalCache(byteSize);
      for (const [key, length] of entries) {
        cache.insert(String(key), response(...new Array<number>(length).fill(key)));
        assert.ok(cache.byteSize <= byteSize);
        const after = cache.lookup(String(key))?.outputs[0]?.shape;
        assert.ok(after === undefined || after[0] === length);
      }
    }),
  );
});
