import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from './create-model-config.ts';
import { modelConfigToPbtxt } from './to-pbtxt.ts';

test('writes what is set, in the order of the proto', () => {
  const config = createModelConfig({
    max_batch_size: 4,
    name: 'm',
    input: [{ name: 'X', data_type: 'TYPE_FP32', dims: [-1, 4], optional: true }, {}],
    dynamic_batching: {},
    parameters: { k: { string_value: 'v' } },
  });
  assert.equal(
    modelConfigToPbtxt(config),
    `name: "m"
max_batch_size: 4
input {
  name: "X"
  data_type: TYPE_FP32
  dims: [-1, 4]
  optional: true
}
input {}
dynamic_batching {}
parameters {
  key: "k"
  value {
    string_value: "v"
  }
}
`,
  );
});

test('an empty configuration is an empty text', () => {
  assert.equal(modelConfigToPbtxt(createModelConfig()), '');
});

test('writes scalars of a oneof even when they are false', () => {
  const text = modelConfigToPbtxt(
    createModelConfig({ model_warmup: [{ inputs: { X: { zero_data: false } } }] }),
  );
  assert.match(text, /zero_data: false/);
});

test('escapes what a string cannot hold', () => {
  const text = modelConfigToPbtxt(createModelConfig({ name: 'a"\\\n\u00011\u0085é' }));
  assert.equal(text, 'name: "a\\"\\\\\\n\\0011\\u0085é"\n');
});

test('integer keys of maps have no quotes', () => {
  const text = modelConfigToPbtxt(
    createModelConfig({ dynamic_batching: { priority_queue_policy: { 3: {} } } }),
  );
  assert.match(text, /key: 3\n/);
});
