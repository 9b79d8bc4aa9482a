import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import type { Tensor } from '@nereid/protocol';
import { collectInputs } from './collect-inputs.ts';
import { createTensor } from './tensor.ts';
import { buildRequest, type TestRequest } from './testing/build-request.ts';

const BATCHING = createModelConfig({ max_batch_size: 8, input: [{ name: 'X', dims: [2] }] });

describe('collectInputs', () => {
  it('puts rows one after another in the order of the requests', () => {
    const requests = [requestOf(int32([1, 2], [1, 2])), requestOf(int32([2, 2], [3, 4, 5, 6]))];
    assert.deepEqual(plain(collectInputs(requests, BATCHING)), [int32([3, 2], [1, 2, 3, 4, 5, 6])]);
  });

  it('joins strings', () => {
    const requests = ['a', 'bcd'].map((text) => requestOf(createTensor('S', 'BYTES', [1, 1], [text])));
    assert.deepEqual(
      plain(collectInputs(requests)),
      plain([createTensor('S', 'BYTES', [2, 1], ['a', 'bcd'])]),
    );
  });

  it('copies nothing when the parts lie back to back', () => {
    const memory = new Int32Array(new SharedArrayBuffer(40)).fill(7);
    const parts = [memory.subarray(2, 4), memory.subarray(4, 8)];
    const requests = parts.map((part) => requestOf(createTensor('X', 'INT32', [part.length / 2, 2], part)));
    const [input] = collectInputs(requests, BATCHING);
    assert.equal(input?.data.buffer, memory.buffer);
    assert.deepEqual([input.data.byteOffset, input.data.byteLength, input.shape], [8, 24, [3, 2]]);
  });

  it('copies parts that lie apart or in another order', () => {
    const memory = new Int32Array([1, 2, 3, 4, 5, 6]);
    const apart = [memory.subarray(0, 2), memory.subarray(4, 6)];
    for (const parts of [apart, apart.toReversed()]) {
      const requests = parts.map((part) => requestOf(createTensor('X', 'INT32', [1, 2], part)));
      const [input] = collectInputs(requests, BATCHING);
      assert.deepEqual(plain([input]), [
        int32(
          [2, 2],
          parts.flatMap((part) => [...part]),
        ),
      ]);
    }
  });

  it('gives the tensors of a single request as they are', () => {
    const request = requestOf(int32([2, 2], [1, 2, 3, 4]));
    assert.equal(collectInputs([request], BATCHING), request.inputs);
    assert.equal(collectInputs([request], createModelConfig()), request.inputs);
  });

  it('takes parts without elements', () => {
    const requests = [requestOf(int32([1, 0], [])), requestOf(int32([2, 0], []))];
    assert.deepEqual(plain(collectInputs(requests)), [int32([3, 0], [])]);
  });

  it('flattens ragged inputs, of a single request too', () => {
    const config = createModelConfig({
      max_batch_size: 8,
      input: [{ name: 'X', dims: [-1], allow_ragged_batch: true }],
    });
    const requests = [requestOf(int32([1, 1], [1])), requestOf(int32([1, 3], [2, 3, 4]))];
    assert.deepEqual(plain(collectInputs(requests, config)), [int32([4], [1, 2, 3, 4])]);
    assert.deepEqual(plain(collectInputs(requests.slice(1), config)), [int32([3], [2, 3, 4])]);
  });

  it('appends the batch inputs', () => {
    const config = createModelConfig({
      max_batch_size: 8,
      input: [{ name: 'X', dims: [-1], allow_ragged_batch: true }],
      batch_input: [
        { kind: 'BATCH_ELEMENT_COUNT', target_name: ['COUNT'], data_type: 'TYPE_INT32', source_input: ['X'] },
      ],
    });
    const requests = [requestOf(int32([1, 1], [1])), requestOf(int32([1, 3], [2, 3, 4]))];
    assert.deepEqual(plain(collectInputs(requests, config)).at(-1), int32([2], [1, 3], 'COUNT'));
  });

  it('refuses requests with other inputs, and shapes that differ in more than the batch', () => {
    const first = requestOf(int32([1, 2], [1, 2]));
    assert.throws(() => collectInputs([first, requestOf(int32([1, 2], [1, 2], 'Z'))]), {
      code: 'INTERNAL',
      message: "expected input 'X' in every request of the batch, found a request with [Z]",
    });
    assert.throws(() => collectInputs([first, requestOf(int32([1, 1], [1]))]), {
      message: "input 'X': cannot batch shapes [1,2] and [1,1]",
    });
  });

  it('refuses several requests for a model that does not batch', () => {
    const request = requestOf(int32([2], [1, 2]));
    assert.throws(() => collectInputs([request, request], createModelConfig()), {
      message: 'expected 1 request for a model that does not batch (max_batch_size 0), found 2',
    });
  });
});

function int32(shape: readonly number[], values: readonly number[], name = 'X'): Tensor {
  return createTensor(name, 'INT32', shape, Int32Array.from(values));
}

function requestOf(...inputs: readonly Tensor[]): TestRequest {
  return buildRequest({ inputs });
}

/** With the data as plain bytes, whatever kind of memory they lie in. */
function plain(tensors: readonly (Tensor | undefined)[]): unknown[] {
  return tensors.map((tensor) => tensor && { ...tensor, data: Uint8Array.from(tensor.data) });
}
