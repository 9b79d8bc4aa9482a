import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { decodeStringTensor, type Tensor } from '@nereid/protocol';
import { fp32 } from '../../test/build-request.ts';
import { classify } from './classification.ts';

const LABELS = ['apple', 'banana', 'cherry'];
const options = { count: 2, labels: LABELS, hasBatch: true };
const texts = (tensor: Tensor): string[] => decodeStringTensor(tensor.data);

describe('classify', () => {
  test('gives value, index and label of the best classes of each row', () => {
    const result = classify(fp32('S', [2, 3], [0.5, 5, -2, 1, 2, 3]), options);
    assert.equal(result.datatype, 'BYTES');
    assert.deepEqual(result.shape, [2, 2]);
    assert.deepEqual(texts(result), [
      '5.000000:1:banana',
      '0.500000:0:apple',
      '3.000000:2:cherry',
      '2.000000:1:banana',
    ]);
  });

  test('has no batch dimension when the model has none, and leaves missing labels out', () => {
    const result = classify(fp32('S', [4], [1, 9, 2, 3]), { count: 9, labels: ['zero'], hasBatch: false });
    assert.deepEqual(result.shape, [4]);
    assert.deepEqual(texts(result), ['9.000000:1', '3.000000:3', '2.000000:2', '1.000000:0:zero']);
  });

  test('prints integers as they are', () => {
    const scores: Tensor = {
      name: 'S',
      datatype: 'INT64',
      shape: [2],
      data: new Uint8Array(BigInt64Array.of(-1n, 2n ** 60n).buffer),
    };
    assert.deepEqual(texts(classify(scores, { count: 2, labels: [], hasBatch: false })), [
      `${2n ** 60n}:1`,
      '-1:0',
    ]);
  });

  test('keeps the order of equal values and puts NaN last', () => {
    const result = classify(fp32('S', [4], [NaN, 2, 2, 1]), { count: 4, labels: [], hasBatch: false });
    assert.deepEqual(
      texts(result).map((text) => text.split(':')[1]),
      ['1', '2', '3', '0'],
    );
  });

  test('refuses datatypes that have no order', () => {
    const bool: Tensor = { name: 'S', datatype: 'BOOL', shape: [2], data: new Uint8Array(2) };
    assert.throws(() => classify(bool, options), { code: 'INVALID_ARG', message: /unsupported type 'BOOL'/ });
  });

  test('refuses more than a million elements', () => {
    const large: Tensor = {
      name: 'S',
      datatype: 'INT8',
      shape: [1_000_001],
      data: new Uint8Array(1_000_001),
    };
    assert.throws(() => classify(large, { ...options, hasBatch: false }), {
      code: 'INVALID_ARG',
      message: /1000001/,
    });
  });

  test('gives nothing for a batch of no rows', () => {
    assert.deepEqual(classify(fp32('S', [0, 3], []), options).shape, [0, 0]);
  });
});
