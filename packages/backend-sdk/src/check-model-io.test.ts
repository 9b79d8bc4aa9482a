import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePbtxt } from '@nereid/protocol/model-config';
import { checkModelIo } from './check-model-io.ts';
import type { ModelTensor, ModelTensors } from './model-tensors.ts';

function tensor(
  name: string,
  shape: readonly number[],
  datatype: ModelTensor['datatype'] = 'FP32',
): ModelTensor {
  return { name, datatype, shape };
}

function model(inputShape: readonly number[], outputShape = inputShape): ModelTensors {
  return { inputs: [tensor('X', inputShape)], outputs: [tensor('Y', outputShape)] };
}

function check(text: string, tensors: ModelTensors): void {
  checkModelIo(parsePbtxt(`name: "m" ${text}`, { file: 'm/config.pbtxt' }), tensors);
}

function x(fields: string): string {
  return `input { name: "X" data_type: TYPE_FP32 ${fields} } `;
}

function y(fields: string): string {
  return `output { name: "Y" data_type: TYPE_FP32 ${fields} } `;
}

test('accepts a configuration that says what the model says', () => {
  check(x('dims: [-1, 3]') + y('dims: [-1, 3]'), model([-1, 3]));
  check(`max_batch_size: 4 ${x('dims: 3')}${y('dims: 3')}`, model([-1, 3]));
});

test('accepts fixed dimensions of an input where the model has variable ones, but not of an output', () => {
  check(x('dims: 5') + y('dims: -1'), model([-1]));
  assert.throws(() => check(x('dims: 5') + y('dims: 5'), model([-1])), { message: /^model 'm', tensor 'Y'/ });
});

test('compares the reshape in place of the dimensions', () => {
  check(x('dims: 4 reshape { shape: [2, 2] }') + y('dims: [1, 4] reshape { shape: [2, 2] }'), model([2, 2]));
});

test('accepts dimensions of 1 for a scalar of the model', () => {
  check(x('dims: 1') + y('dims: [1, 1]'), model([]));
  assert.throws(() => check(x('dims: 2') + y('dims: 1'), model([])), {
    message:
      "unable to load model 'm', scalar tensor 'X', should only provide 1 in the model configuration when the " +
      "model doesn't support batching. Model configuration provided: [2].",
  });
});

test('accepts outputs of the model that the configuration leaves out', () => {
  check(x('dims: 2'), model([2]));
});

test('refuses another number of inputs', () => {
  assert.throws(() => check(x('dims: 2') + 'input { name: "Z" data_type: TYPE_FP32 dims: 2 }', model([2])), {
    code: 'INVALID_ARG',
    message: "unable to load model 'm', configuration expects 2 inputs, model provides 1",
  });
  assert.throws(() => check('', model([2])), {
    message: /configuration expects 0 inputs, model provides 1$/,
  });
});

test('names the tensors that the model has', () => {
  assert.throws(() => check('input { name: "Q" data_type: TYPE_FP32 dims: 2 }', model([2])), {
    code: 'INVALID_ARG',
    message: "unexpected inference input 'Q', allowed inputs are: X",
  });
  assert.throws(
    () => check(`${x('dims: 2')} output { name: "Q" data_type: TYPE_FP32 dims: 2 }`, model([2])),
    {
      message: "unexpected inference output 'Q', allowed outputs are: Y",
    },
  );
});

test('refuses another datatype', () => {
  assert.throws(() => check('input { name: "X" data_type: TYPE_STRING dims: 2 }', model([2])), {
    code: 'INVALID_ARG',
    message:
      "unable to load model 'm', configuration expects datatype TYPE_STRING for input 'X', model provides TYPE_FP32",
  });
});

test('refuses other dimensions', () => {
  assert.throws(() => check(x('dims: [-1, 3]'), model([-1])), {
    code: 'INVALID_ARG',
    message:
      "model 'm', tensor 'X': the model expects 1 dimensions (shape [-1]) but the model configuration specifies " +
      '2 dimensions (shape [-1,3])',
  });
  assert.throws(() => check(`max_batch_size: 2 ${x('dims: 4')}`, model([-1, 3])), {
    message:
      "model 'm', tensor 'X': the model expects 2 dimensions (shape [-1,3]) but the model configuration specifies " +
      '2 dimensions (an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, ' +
      'making complete shape [-1,4])',
  });
});

test('refuses batches of a model that has no batch dimension', () => {
  for (const [shape, found] of [
    [[3], '[3]'],
    [[], '[]'],
  ] as const) {
    assert.throws(() => check(`max_batch_size: 4 ${x('dims: -1')}`, model(shape)), {
      code: 'INVALID_ARG',
      message:
        "model 'm', tensor 'X': for the model to support batching the shape should have at least 1 dimension and " +
        `the first dimension must be -1; but shape expected by the model is ${found}`,
    });
  }
});

test('wants a ragged input to be one row of elements', () => {
  const text = `max_batch_size: 4 ${x('dims: -1 allow_ragged_batch: true')}`;
  check(text, model([-1]));
  assert.throws(() => check(text, model([-1, -1])), {
    message: /with shape \[-1\] for ragged input 'X', model provides \[-1,-1\]/,
  });
});

test('counts and checks the inputs that the batchers make', () => {
  const text =
    x('dims: 1') +
    'max_batch_size: 4 sequence_batching { ' +
    'control_input { name: "START" control { kind: CONTROL_SEQUENCE_START int32_false_true: [0, 1] } } ' +
    'state { input_name: "IN" output_name: "OUT" data_type: TYPE_INT32 dims: 1 } }';
  const tensors = (start: ModelTensor['datatype'], out: string): ModelTensors => ({
    inputs: [tensor('X', [-1, 1]), tensor('START', [-1, 1], start), tensor('IN', [-1, 1], 'INT32')],
    outputs: [tensor(out, [-1, 1], 'INT32')],
  });
  check(text, tensors('INT32', 'OUT'));
  assert.throws(() => check(text, tensors('FP32', 'OUT')), {
    message: /expects datatype TYPE_INT32 for sequence control 'START', model provides TYPE_FP32/,
  });
  assert.throws(() => check(text, tensors('INT32', 'OTHER')), {
    message: /unexpected inference output 'OUT'/,
  });
});

test('lets inputs be left out that both sides call optional', () => {
  const optional: ModelTensor = { ...tensor('Z', [2]), optional: true };
  const tensors = { inputs: [tensor('X', [2]), optional], outputs: [] };
  check(x('dims: 2'), tensors);
  check(`${x('dims: 2')} input { name: "Z" data_type: TYPE_FP32 dims: 2 optional: true }`, tensors);
});
