import assert from 'node:assert/strict';
import { test } from 'node:test';
import { datatypeByteSize, datatypeOfArray } from './datatype.ts';

test('typed arrays say what they hold, in the size that it has on the wire', () => {
  const arrays = [
    [new Uint8Array(), 'UINT8'],
    [new Uint16Array(), 'UINT16'],
    [new Uint32Array(), 'UINT32'],
    [new BigUint64Array(), 'UINT64'],
    [new Int8Array(), 'INT8'],
    [new Int16Array(), 'INT16'],
    [new Int32Array(), 'INT32'],
    [new BigInt64Array(), 'INT64'],
    [new Float32Array(), 'FP32'],
    [new Float64Array(), 'FP64'],
  ] as const;
  for (const [array, datatype] of arrays) {
    assert.equal(datatypeOfArray(array), datatype);
    assert.equal(datatypeByteSize(datatype), array.BYTES_PER_ELEMENT);
  }
});

test('a buffer is a Uint8Array, a DataView says nothing', () => {
  assert.equal(datatypeOfArray(Buffer.from('x')), 'UINT8');
  assert.equal(datatypeOfArray(new DataView(new ArrayBuffer(4))), undefined);
});
