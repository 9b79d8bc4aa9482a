import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { encodeBytesTensor, type InferInput } from '@nereid/protocol';
import { createModelConfig } from '@nereid/protocol/model-config';
import { createInputRules } from './input-rules.ts';
import { validateInputs, validateOutputs, type ValidInputs } from './validate-request.ts';

const BATCHED = createModelConfig({
  name: 'addsub',
  max_batch_size: 8,
  input: [
    { name: 'INPUT0', data_type: 'TYPE_INT32', dims: [4] },
    { name: 'INPUT1', data_type: 'TYPE_INT32', dims: [4] },
  ],
  output: [{ name: 'OUTPUT0', data_type: 'TYPE_INT32', dims: [4] }],
});

const int32 = (name: string, shape: readonly number[], byteLength?: number): InferInput => ({
  name,
  datatype: 'INT32',
  shape,
  data: new Uint8Array(byteLength ?? 4 * shape.reduce((a, b) => a * b, 1)),
});

const validate = (
  config: Parameters<typeof createInputRules>[0],
  inputs: readonly InferInput[],
): ValidInputs =>
  validateInputs(createInputRules(config), '', inputs, (input) => input.data ?? new Uint8Array());

const refused = (inputs: readonly InferInput[], message: RegExp, config = BATCHED): void => {
  assert.throws(() => validate(config, inputs), { code: 'INVALID_ARG', message });
};

describe('validateInputs', () => {
  test('gives the inputs in the order of the configuration and the batch size', () => {
    const { tensors, batchSize } = validate(BATCHED, [int32('INPUT1', [3, 4]), int32('INPUT0', [3, 4])]);
    assert.deepEqual(
      tensors.map(({ name }) => name),
      ['INPUT0', 'INPUT1'],
    );
    assert.equal(batchSize, 3);
  });

  test('names the inputs that are missing', () => {
    refused(
      [int32('INPUT0', [1, 4])],
      /expected 2 inputs but got 1 inputs for model 'addsub'.*\['INPUT0'\].*\['INPUT1'\]/,
    );
    refused([], /expected 2 inputs but got 0 inputs/);
  });

  test('refuses inputs that the model does not have', () => {
    refused(
      [int32('INPUT0', [1, 4]), int32('OTHER', [1, 4])],
      /unexpected inference input 'OTHER' for model 'addsub'/,
    );
    refused([int32('INPUT0', [1, 4]), int32('INPUT1', [1, 4]), int32('OTHER', [1, 4])], /got 3 inputs/);
  });

  test('refuses an input that is given twice', () => {
    refused([int32('INPUT0', [1, 4]), int32('INPUT0', [1, 4])], /input 'INPUT0' already exists/);
  });

  test('refuses a wrong datatype', () => {
    const wrong = { ...int32('INPUT1', [1, 4]), datatype: 'FP32' } as const;
    refused(
      [int32('INPUT0', [1, 4]), wrong],
      /'INPUT1' data-type is 'FP32', but model 'addsub' expects 'INT32'/,
    );
  });

  test('tells the expected and the given shape, with a note about the batch dimension', () => {
    refused([int32('INPUT0', [1, 3]), int32('INPUT1', [1, 4])], /Expected \[-1,4\], got \[1,3\]\. NOTE:/);
  });

  test('checks the batch dimension', () => {
    refused(
      [int32('INPUT0', []), int32('INPUT1', [1, 4])],
      /'INPUT0' has no shape but model requires batch dimension/,
    );
    refused([int32('INPUT0', [2, 4]), int32('INPUT1', [1, 4])], /batch size does not match/);
    refused([int32('INPUT0', [9, 4]), int32('INPUT1', [9, 4])], /batch-size must be <= 8 for 'addsub'/);
    refused([int32('INPUT0', [0, 4]), int32('INPUT1', [0, 4])], /batch-size must be >= 1/);
  });

  test('checks the number of bytes', () => {
    refused(
      [int32('INPUT0', [1, 4]), int32('INPUT1', [1, 4], 4)],
      /input byte size mismatch.*'INPUT1'.*Expected 16, got 4/,
    );
  });

  test('begins its messages with the request id', () => {
    const rules = createInputRules(BATCHED);
    assert.throws(() => validateInputs(rules, '42', [], () => new Uint8Array()), {
      message: /^\[request id: 42\] /,
    });
  });

  const strings = createModelConfig({
    name: 's',
    input: [{ name: 'S', data_type: 'TYPE_STRING', dims: [-1] }],
  });
  const bytes = (shape: number[], data: Uint8Array): InferInput[] => [
    { name: 'S', datatype: 'BYTES', shape, data },
  ];

  test('counts the elements of BYTES inputs', () => {
    assert.equal(validate(strings, bytes([2], encodeBytesTensor(['a', '']))).batchSize, 1);
    refused(bytes([2], encodeBytesTensor(['a'])), /expected 2 string elements.*got 1/, strings);
    refused(bytes([1], new Uint8Array([10, 0, 0, 0, 97])), /string of length 10 but only 1 bytes/, strings);
    refused(bytes([1], new Uint8Array([1, 0])), /expecting 4 bytes but only 2 bytes/, strings);
  });

  test('takes zero-sized variable dimensions and refuses negative ones', () => {
    const variable = createModelConfig({
      name: 'v',
      input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [-1] }],
    });
    assert.equal(validate(variable, [int32('X', [0])]).tensors.length, 1);
    refused([int32('X', [-1], 0)], /unexpected shape/, variable);
  });

  test('shows the backend the reshaped shape', () => {
    const reshaped = createModelConfig({
      name: 'r',
      max_batch_size: 4,
      input: [
        { name: 'X', data_type: 'TYPE_INT32', dims: [1], reshape: { shape: [] } },
        { name: 'Y', data_type: 'TYPE_INT32', dims: [-1, 2], reshape: { shape: [2, -1] } },
      ],
    });
    const { tensors } = validate(reshaped, [int32('X', [3, 1]), int32('Y', [3, 5, 2])]);
    assert.deepEqual(
      tensors.map(({ shape }) => shape),
      [[3], [3, 2, 5]],
    );
  });

  test('lets optional inputs be left out, but no others', () => {
    const optional = createModelConfig({
      name: 'o',
      input: [
        { name: 'A', data_type: 'TYPE_INT32', dims: [1] },
        { name: 'B', data_type: 'TYPE_INT32', dims: [1], optional: true },
      ],
    });
    assert.equal(validate(optional, [int32('A', [1])]).tensors.length, 1);
    refused([int32('B', [1])], /missing required input\(s\) \['A'\]/, optional);
  });
});

test('validateOutputs names an output that the model does not have', () => {
  const outputs = [{ name: 'OTHER', classification: 0, binaryData: false }];
  assert.throws(() => validateOutputs(createInputRules(BATCHED), outputs), {
    code: 'INVALID_ARG',
    message: "unexpected inference output 'OTHER' for model 'addsub'",
  });
});
