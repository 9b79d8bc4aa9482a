import assert from 'node:assert/strict';
import test from 'node:test';
import type { Datatype } from '@nereid/protocol';
import { tensorText } from './tensor-text.ts';

for (const [datatype, values, text] of [
  ['INT64', new BigInt64Array([1n, -9007199254740993n]), '1,-9007199254740993'],
  ['BOOL', new Uint8Array([0, 1]), 'false,true'],
  ['FP32', new Float32Array([1, -0.5]), '1.0,-0.5'],
  // 1, the smallest number above 0, -infinity, and 65504, the largest.
  ['FP16', new Uint16Array([0x3c00, 0x0001, 0xfc00, 0x7bff]), '1.0,5.960464477539063e-8,-Infinity,65504.0'],
  ['BF16', new Uint16Array([0x3f80, 0xc040]), '1.0,-3.0'],
] as const) {
  test(`a tensor of ${datatype} is written as ${text}`, () => {
    const data = new Uint8Array(values.buffer);
    assert.equal(
      tensorText({ name: 'X', datatype: datatype as Datatype, shape: [values.length], data }),
      text,
    );
  });
}

test('texts are in quotes', () => {
  const data = Buffer.from('\x01\0\0\0a\x02\0\0\0"b');
  assert.equal(tensorText({ name: 'X', datatype: 'BYTES', shape: [2], data }), String.raw`"a","\"b"`);
});
