import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from './create-model-config.ts';

test('an empty configuration has proto defaults and no messages', () => {
  assert.deepEqual(createModelConfig(), {
    name: '',
    platform: '',
    backend: '',
    runtime: '',
    max_batch_size: 0,
    input: [],
    output: [],
    batch_input: [],
    batch_output: [],
    instance_group: [],
    default_model_filename: '',
    cc_model_filenames: {},
    metric_tags: {},
    parameters: {},
    model_warmup: [],
  });
});

test('defaults are filled in at every level', () => {
  const config = createModelConfig({
    input: [{ name: 'X', dims: [-1] }],
    dynamic_batching: { priority_queue_policy: { 2: { max_queue_size: 1 } } },
    version_policy: { all: {} },
  });
  assert.equal(config.input[0]?.data_type, 'TYPE_INVALID');
  assert.equal(config.input[0]?.optional, false);
  assert.deepEqual(config.dynamic_batching?.preferred_batch_size, []);
  assert.equal(config.dynamic_batching?.default_queue_policy, undefined);
  assert.deepEqual(config.dynamic_batching?.priority_queue_policy, {
    2: {
      timeout_action: 'REJECT',
      default_timeout_microseconds: 0,
      allow_timeout_override: false,
      max_queue_size: 1,
    },
  });
  assert.deepEqual(config.version_policy, { all: {} });
});

test('members of a oneof have no default', () => {
  const config = createModelConfig({ model_warmup: [{ inputs: { X: {} } }] });
  assert.deepEqual(config.model_warmup[0]?.inputs['X'], { data_type: 'TYPE_INVALID', dims: [] });
});

test('fields come in the order of the proto', () => {
  const config = createModelConfig({ optimization: {}, max_batch_size: 1, name: 'a' });
  assert.deepEqual(Object.keys(config).slice(0, 5), [
    'name',
    'platform',
    'backend',
    'runtime',
    'max_batch_size',
  ]);
});

test('nothing is shared with what was given', () => {
  const dims = [1, 2];
  const config = createModelConfig({ input: [{ dims }] });
  dims.push(3);
  assert.deepEqual(config.input[0]?.dims, [1, 2]);
});
