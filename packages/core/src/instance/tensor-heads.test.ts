import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { headsOf, indexOfHead } from './tensor-heads.ts';

const CONFIG = createModelConfig({
  max_batch_size: 4,
  input: [{ name: 'X', data_type: 'TYPE_STRING', dims: [1] }],
  output: [{ name: 'Y', data_type: 'TYPE_FP16', dims: [1] }],
  sequence_batching: {
    control_input: [
      { name: 'START', control: [{ kind: 'CONTROL_SEQUENCE_START', int32_false_true: [0, 1] }] },
      { name: 'ID', control: [{ kind: 'CONTROL_SEQUENCE_CORRID', data_type: 'TYPE_INT64' }] },
    ],
    state: [{ input_name: 'S', output_name: 'T', data_type: 'TYPE_FP32', dims: [1] }],
  },
});

test('a model has the tensors of its configuration and those of its sequences', () => {
  assert.deepEqual(headsOf(CONFIG), {
    inputs: [
      { name: 'X', datatype: 'BYTES' },
      { name: 'START', datatype: 'INT32' },
      { name: 'ID', datatype: 'INT64' },
      { name: 'S', datatype: 'FP32' },
    ],
    outputs: [
      { name: 'Y', datatype: 'FP16' },
      { name: 'T', datatype: 'FP32' },
    ],
  });
});

test('a head is found wherever it is, by name and datatype', () => {
  const { inputs } = headsOf(CONFIG);
  const tensor = { name: 'ID', datatype: 'INT64' as const, shape: [1], data: new Uint8Array(8) };
  assert.equal(indexOfHead(inputs, tensor, 2), 2);
  assert.equal(indexOfHead(inputs, tensor, 0), 2);
  assert.equal(indexOfHead(inputs, { ...tensor, datatype: 'UINT64' }, 2), -1);
});
