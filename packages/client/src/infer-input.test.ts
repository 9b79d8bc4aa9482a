import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import { InferInput, type InferInputValues } from './infer-input.ts';

const ARRAYS: readonly (readonly [string, InferInputValues])[] = [
  ['UINT8', Uint8Array.of(1)],
  ['UINT16', Uint16Array.of(1)],
  ['UINT32', Uint32Array.of(1)],
  ['UINT64', BigUint64Array.of(1n)],
  ['INT8', Int8Array.of(1)],
  ['INT16', Int16Array.of(1)],
  ['INT32', Int32Array.of(1)],
  ['INT64', BigInt64Array.of(1n)],
  // Node 22 has no Float16Array.
  ...(typeof Float16Array === 'undefined' ? [] : ([['FP16', Float16Array.of(1)]] as const)),
  ['FP32', Float32Array.of(1)],
  ['FP64', Float64Array.of(1)],
];

test('the datatype follows from the typed array, whose bytes are not copied', () => {
  for (const [datatype, values] of ARRAYS) {
    const input = InferInput.from('X', values);
    assert.equal(input.datatype, datatype);
    assert.deepEqual(input.shape, [1]);
    assert.ok(ArrayBuffer.isView(values));
    assert.equal(input.data?.buffer, values.buffer);
    assert.equal(input.data?.length, values.byteLength);
  }
});

test('a view of part of an array sends only that part', () => {
  const input = InferInput.from('X', Int16Array.of(1, 2, 3).subarray(1), [2, 1]);
  assert.deepEqual([...(input.data ?? [])], [2, 0, 3, 0]);
});

test('strings and byte arrays become BYTES, booleans BOOL', () => {
  assert.deepEqual(InferInput.from('X', ['a', 'ü']), {
    name: 'X',
    datatype: 'BYTES',
    shape: [2],
    data: InferInput.from('X', [Buffer.from('a'), Buffer.from('ü')]).data,
  });
  const flags = InferInput.from('X', [true, false]);
  assert.equal(flags.datatype, 'BOOL');
  assert.deepEqual([...(flags.data ?? [])], [1, 0]);
});

test('refuses a shape of another number of elements', () => {
  assert.throws(
    () => InferInput.from('X', Float32Array.of(1, 2, 3), [1, 4]),
    (error) =>
      InferenceServerError.is(error) &&
      error.code === 'INVALID_ARG' &&
      error.message === "input 'X': shape [1,4] has 4 elements, got 3 values",
  );
});

test('refuses values of several kinds and plain numbers', () => {
  const mixed: readonly unknown[] = ['a', true];
  for (const values of [mixed, [1, 2]]) {
    assert.throws(
      () => InferInput.from('X', values as InferInputValues),
      (error) => InferenceServerError.is(error) && error.message.startsWith("input 'X': values must be"),
    );
  }
});
