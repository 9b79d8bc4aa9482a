import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BatchInput, BatchInputKind } from '@nereid/protocol/model-config';
import { createBatchInputs } from './batch-input.ts';
import { createTensor, tensorView } from './tensor.ts';
import { buildRequest, type TestRequest } from './testing/build-request.ts';

describe('createBatchInputs', () => {
  const requests = [requestOf([2, 2, 1]), requestOf([1, 3, 2])];
  const expected: Readonly<
    Record<BatchInputKind, readonly [shape: readonly number[], values: readonly number[]]>
  > = {
    BATCH_ELEMENT_COUNT: [[2], [4, 6]],
    BATCH_ACCUMULATED_ELEMENT_COUNT: [[2], [4, 10]],
    BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO: [[3], [0, 4, 10]],
    BATCH_MAX_ELEMENT_COUNT_AS_SHAPE: [[6], [0, 0, 0, 0, 0, 0]],
    BATCH_ITEM_SHAPE: [
      [3, 2],
      [2, 1, 2, 1, 3, 2],
    ],
    BATCH_ITEM_SHAPE_FLATTEN: [[6], [2, 1, 2, 1, 3, 2]],
  };
  for (const [kind, [shape, values]] of Object.entries(expected)) {
    it(`makes ${kind} in both datatypes`, () => {
      for (const [dataType, datatype] of [
        ['TYPE_INT32', 'INT32'],
        ['TYPE_FP32', 'FP32'],
      ] as const) {
        const [tensor] = createBatchInputs(
          requests,
          entry({ kind: kind as BatchInputKind, data_type: dataType }),
        );
        assert.ok(tensor !== undefined);
        assert.deepEqual([tensor.datatype, tensor.shape, [...tensorView(tensor)]], [datatype, shape, values]);
      }
    });
  }

  it('makes a tensor for each target', () => {
    const tensors = createBatchInputs(requests, entry({ target_name: ['A', 'B'] }));
    assert.deepEqual(
      tensors.map(({ name }) => name),
      ['A', 'B'],
    );
  });

  it('refuses a missing source and another datatype', () => {
    assert.throws(() => createBatchInputs([buildRequest({ inputs: [] })], entry({})), {
      code: 'INTERNAL',
      message: "batch_input 'COUNT': expected source input 'X' in every request of the batch",
    });
    assert.throws(() => createBatchInputs(requests, entry({ data_type: 'TYPE_INT64' })), {
      code: 'INVALID_ARG',
      message: "batch_input 'COUNT': data_type must be TYPE_INT32 or TYPE_FP32, found TYPE_INT64",
    });
  });
});

function entry(fields: Partial<BatchInput>): BatchInput {
  return {
    kind: 'BATCH_ELEMENT_COUNT',
    target_name: ['COUNT'],
    data_type: 'TYPE_INT32',
    source_input: ['X'],
    ...fields,
  };
}

function requestOf(shape: readonly number[]): TestRequest {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return buildRequest({ inputs: [createTensor('X', 'INT8', shape, new Int8Array(count))] });
}
