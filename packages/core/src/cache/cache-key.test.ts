import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Tensor } from '@nereid/protocol';
import { fp32 } from '../../test/build-request.ts';
import { createCacheKey } from './cache-key.ts';

const A = fp32('A', [1, 2], [1, 2]);
const B = fp32('B', [1, 2], [3, 4]);
const KEY = createCacheKey('m', '1/x', [A, B]);

test('equal requests have the same key, whatever the order of their inputs', () => {
  assert.equal(createCacheKey('m', '1/x', [fp32('A', [1, 2], [1, 2]), fp32('B', [1, 2], [3, 4])]), KEY);
  assert.equal(createCacheKey('m', '1/x', [B, A]), KEY);
});

const OTHERS: Readonly<Record<string, readonly [string, string, readonly Tensor[]]>> = {
  'another model': ['n', '1/x', [A, B]],
  'another version': ['m', '2/x', [A, B]],
  'another value': ['m', '1/x', [A, fp32('B', [1, 2], [3, 5])]],
  'another shape': ['m', '1/x', [fp32('A', [2, 1], [1, 2]), B]],
  'another datatype': ['m', '1/x', [{ ...A, datatype: 'INT32' }, B]],
  'another name': ['m', '1/x', [A, { ...B, name: 'C' }]],
  'values that changed places': ['m', '1/x', [fp32('A', [1, 2], [3, 4]), fp32('B', [1, 2], [1, 2])]],
  'a missing input': ['m', '1/x', [A]],
};

for (const [what, request] of Object.entries(OTHERS)) {
  test(`${what} has another key`, () => {
    assert.notEqual(createCacheKey(...request), KEY);
  });
}

test('bytes that move from one input to the next make another key', () => {
  const bytes = (name: string, text: string): Tensor => ({
    name,
    datatype: 'UINT8',
    shape: [text.length],
    data: Buffer.from(text),
  });
  assert.notEqual(
    createCacheKey('m', '', [bytes('A', 'ab'), bytes('B', 'c')]),
    createCacheKey('m', '', [bytes('A', 'a'), bytes('B', 'bc')]),
  );
});

test('a key begins with the name of its model', () => {
  assert.match(KEY, /^m\/[\w-]{43}$/);
});
