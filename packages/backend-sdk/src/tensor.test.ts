import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTensor, decodeStrings, tensorView } from './tensor.ts';

describe('createTensor', () => {
  it('lays the tensor on the memory of a typed array', () => {
    const values = new Float32Array([1, 2, 3]).subarray(1);
    const tensor = createTensor('Y', 'FP32', [1, 2], values);
    assert.equal(tensor.data.buffer, values.buffer);
    assert.deepEqual([tensor.data.byteOffset, tensor.data.byteLength], [4, 8]);
  });

  it('writes booleans as bytes and strings with their lengths', () => {
    assert.deepEqual(createTensor('B', 'BOOL', [2], [true, false]).data, new Uint8Array([1, 0]));
    assert.deepEqual(
      Buffer.from(createTensor('S', 'BYTES', [2], ['ab', new Uint8Array([9])]).data),
      Buffer.from([2, 0, 0, 0, 97, 98, 1, 0, 0, 0, 9]),
    );
  });

  it('makes scalars and tensors without elements', () => {
    assert.deepEqual(createTensor('X', 'INT64', [], new BigInt64Array([7n])).shape, []);
    for (const datatype of ['BYTES', 'BOOL'] as const) {
      assert.equal(createTensor('X', datatype, [0], []).data.byteLength, 0);
    }
  });

  it('tells how many values the shape asks for', () => {
    assert.throws(() => createTensor('Y', 'INT8', [2, 2], new Int8Array(3)), {
      code: 'INTERNAL',
      message: "tensor 'Y': shape [2,2] holds 4 elements, found 3",
    });
    assert.throws(() => createTensor('Y', 'BYTES', [2], ['a']), { message: /holds 2 elements, found 1/ });
  });

  it('refuses values of another kind than the datatype', () => {
    assert.throws(() => createTensor('Y', 'FP32', [1], new Float64Array(1)), {
      message: "tensor 'Y': expected FP32, found Float64Array",
    });
    assert.throws(() => createTensor('Y', 'FP32', [1], ['1']), {
      message: "tensor 'Y': expected FP32, found strings",
    });
    assert.throws(() => createTensor('Y', 'FP32', [1], [true]), {
      message: "tensor 'Y': expected FP32, found booleans",
    });
    assert.throws(() => createTensor('Y', 'BYTES', [1], new Uint8Array(1)), {
      message: "tensor 'Y': expected BYTES, found Uint8Array",
    });
  });
});

describe('tensorView', () => {
  it('is a view on the bytes of the tensor', () => {
    const tensor = createTensor('X', 'INT32', [2], new Int32Array([5, -6]));
    const view = tensorView(tensor, 'INT32');
    assert.deepEqual([...view], [5, -6]);
    assert.equal(view.buffer, tensor.data.buffer);
  });

  it('copies bytes that are not aligned, pooled and shared ones too', () => {
    const bytes = new Uint8Array(new Int32Array([5, -6]).buffer);
    for (const target of [Buffer.alloc(9), new Uint8Array(new SharedArrayBuffer(9))]) {
      target.set(bytes, 1);
      const view = tensorView(
        { name: 'X', datatype: 'INT32', shape: [2], data: target.subarray(1) },
        'INT32',
      );
      assert.deepEqual([...view], [5, -6]);
    }
  });

  it('refuses another datatype, strings, and half an element', () => {
    const tensor = createTensor('X', 'INT32', [1], new Int32Array(1));
    assert.throws(() => tensorView(tensor, 'FP32'), { message: "tensor 'X': expected FP32, found INT32" });
    assert.throws(() => tensorView(createTensor('S', 'BYTES', [1], ['a'])), { message: /found BYTES/ });
    assert.throws(() => tensorView({ ...tensor, data: new Uint8Array(3) }), {
      message: "tensor 'X': expected a multiple of 4 bytes for INT32, found 3",
    });
  });
});

describe('decodeStrings', () => {
  it('reads strings', () => {
    assert.deepEqual(decodeStrings(createTensor('S', 'BYTES', [2], ['é', ''])), ['é', '']);
  });

  it('refuses other tensors', () => {
    assert.throws(() => decodeStrings(createTensor('X', 'INT8', [1], new Int8Array(1))), {
      message: "tensor 'X': expected BYTES, found INT8",
    });
  });
});
