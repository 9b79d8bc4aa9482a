import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxt } from '@nereid/protocol/model-config';
import type { ConfigCompletion } from './backend.ts';
import { checkModelIo } from './check-model-io.ts';
import { completeModelIo } from './complete-model-io.ts';
import type { ModelTensors } from './model-tensors.ts';

function model(...shape: readonly number[]): ModelTensors {
  return {
    inputs: [{ name: 'X', datatype: 'FP32', shape }],
    outputs: [{ name: 'Y', datatype: 'BYTES', shape }],
  };
}

function complete(text: string, tensors: ModelTensors, defaultMaxBatchSize = 4): ConfigCompletion {
  const config = parsePbtxt(`name: "m" ${text}`, { file: 'm/config.pbtxt' });
  const completion = completeModelIo(config, tensors, { defaultMaxBatchSize });
  checkModelIo({ ...config, ...completion }, tensors);
  return completion;
}

const X = 'input { name: "X" data_type: TYPE_FP32 dims: 3 } ';
const Y = 'output { name: "Y" data_type: TYPE_STRING dims: 3 } ';

test('makes inputs and outputs of the tensors of the model', () => {
  const { input, output } = complete('', model(2, 3));
  assert.deepEqual(input, [
    {
      name: 'X',
      data_type: 'TYPE_FP32',
      dims: [2, 3],
      format: 'FORMAT_NONE',
      is_shape_tensor: false,
      allow_ragged_batch: false,
      optional: false,
      is_non_linear_format_io: false,
    },
  ]);
  assert.deepEqual(output, [
    {
      name: 'Y',
      data_type: 'TYPE_STRING',
      dims: [2, 3],
      label_filename: '',
      is_shape_tensor: false,
      is_non_linear_format_io: false,
    },
  ]);
});

test('leaves a model without a batch dimension unbatched', () => {
  assert.deepEqual(Object.keys(complete('', model(2, 3))), ['input', 'output']);
});

test('gives a model with a batch dimension the default batch size and the dynamic batcher', () => {
  const { max_batch_size: size, dynamic_batching: batching, input } = complete('', model(-1, 3));
  assert.equal(size, 4);
  assert.deepEqual(batching?.preferred_batch_size, []);
  assert.deepEqual(input?.[0]?.dims, [3]);
});

test('adds no batcher for a batch size of 1 or less', () => {
  assert.deepEqual(Object.keys(complete('', model(-1, 3), 1)), ['max_batch_size', 'input', 'output']);
  const { input, ...others } = complete('', model(-1, 3), 0);
  assert.deepEqual(Object.keys(others), ['output']);
  assert.deepEqual(input?.[0]?.dims, [-1, 3]);
});

test('keeps the batch size, the scheduler and the tensors that the configuration has', () => {
  const partial = complete(`max_batch_size: 6 ${Y}`, model(-1, 3));
  assert.deepEqual(Object.keys(partial), ['dynamic_batching', 'input']);
  assert.deepEqual(Object.keys(complete(`max_batch_size: 6 dynamic_batching { } ${X}`, model(-1, 3))), [
    'output',
  ]);
  assert.deepEqual(Object.keys(complete(`max_batch_size: 6 sequence_batching { } ${X}`, model(-1, 3))), [
    'output',
  ]);
});

test('completes nothing when inputs and outputs are there', () => {
  assert.deepEqual(complete(`max_batch_size: 6 ${X}${Y}`, model(-1, 3)), {});
});

test('refuses batches of a model that can not batch', () => {
  assert.throws(() => complete('max_batch_size: 6', model(2, 3)), {
    code: 'INVALID_ARG',
    message:
      "autofill failed for model 'm': model does not support batching while non-zero max_batch_size 6 is specified: " +
      "the first dimension of 'X', 'Y' is not variable",
  });
});

test('writes scalars, and one element a row, as a dimension of 1', () => {
  assert.deepEqual(complete('', model()).input?.[0]?.dims, [1]);
  const { input, output } = complete('', model(-1));
  assert.deepEqual([input?.[0]?.dims, input?.[0]?.reshape], [[1], { shape: [] }]);
  assert.deepEqual(output?.[0]?.reshape, { shape: [] });
});

test('leaves out what requests do not carry', () => {
  const tensors: ModelTensors = {
    inputs: ['X', 'START', 'IN'].map((name) => ({ name, datatype: 'INT32', shape: [-1, 1] })),
    outputs: ['Y', 'OUT'].map((name) => ({ name, datatype: 'INT32', shape: [-1, 1] })),
  };
  const { input, output } = complete(
    'sequence_batching { control_input { name: "START" control { int32_false_true: [0, 1] } } ' +
      'state { input_name: "IN" output_name: "OUT" data_type: TYPE_INT32 dims: 1 } }',
    tensors,
  );
  assert.deepEqual(
    [input, output].map((list) => list?.map(({ name }) => name)),
    [['X'], ['Y']],
  );
});
