import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import { completeModelConfig } from './complete-model-config.ts';
import { NO_SOURCE } from './config-source.ts';
import { knownBackends } from './known-backends.ts';
import { normalizeModelConfig, type NormalizeContext } from './normalize-model-config.ts';

const CONTEXT: NormalizeContext = {
  modelName: 'm',
  source: NO_SOURCE,
  versionFiles: [],
  backends: knownBackends([{ name: 'double', defaultInstanceCount: 3 }]),
  gpus: [],
};

function normalize(init: Init<ModelConfig>, context: Partial<NormalizeContext> = {}): ModelConfig {
  return normalizeModelConfig(createModelConfig(init), { ...CONTEXT, ...context });
}

/** What says which backend it is. */
function backendFields({ backend, platform, default_model_filename: file }: ModelConfig): readonly string[] {
  return [backend, platform, file];
}

function instances(config: ModelConfig): readonly unknown[] {
  return config.instance_group.map(({ name, kind, count, gpus }) => [name, kind, count, gpus.join()]);
}

test('takes the name of the folder and refuses another', () => {
  assert.equal(normalize({ backend: 'double' }).name, 'm');
  assert.throws(() => normalize({ name: 'other', backend: 'double' }), {
    code: 'INVALID_ARG',
    message: "unexpected directory name 'm' for model 'other', directory name must equal model name",
  });
});

test('fills in platform and file name of a backend, and the backend of a platform or file name', () => {
  const onnx = ['onnxruntime', 'onnxruntime_onnx', 'model.onnx'];
  assert.deepEqual(backendFields(normalize({ backend: 'onnxruntime' })), onnx);
  assert.deepEqual(backendFields(normalize({ platform: 'onnxruntime_onnx' })), onnx);
  assert.deepEqual(backendFields(normalize({ default_model_filename: 'model.onnx' })), onnx);
  assert.deepEqual(backendFields(normalize({ backend: 'python' })), ['python', '', 'model.py']);
  assert.deepEqual(backendFields(normalize({ backend: 'own' })), ['own', '', '']);
});

test('picks the platform of a backend that has several by its file', () => {
  const graph = ['tensorflow', 'tensorflow_graphdef', 'model.graphdef'];
  assert.deepEqual(
    backendFields(normalize({ backend: 'tensorflow' }, { versionFiles: ['model.graphdef'] })),
    graph,
  );
  assert.deepEqual(backendFields(normalize({ platform: 'torch_aoti' })), [
    'pytorch',
    'torch_aoti',
    'model.pt2',
  ]);
});

test('guesses the backend from the files of a model without configuration', () => {
  const guess = (...versionFiles: string[]): readonly string[] =>
    backendFields(normalizeModelConfig(undefined, { ...CONTEXT, versionFiles }));
  assert.deepEqual(guess('model.py', 'notes.txt'), ['python', '', 'model.py']);
  assert.deepEqual(guess('model.py', 'model.onnx')[0], 'onnxruntime');
  assert.deepEqual(guess('model.own'), ['own', '', 'model.own']);
  assert.throws(() => guess('weights.bin'), {
    code: 'INVALID_ARG',
    message: /^could not determine backend for model 'm' .*found weights\.bin$/,
  });
});

test('lets an installed backend say what it is itself', () => {
  const backends = knownBackends([
    {
      name: 'onnxruntime',
      platform: 'onnxruntime_onnx',
      defaultModelFilename: 'net.onnx',
      defaultInstanceCount: 5,
    },
  ]);
  const config = normalize({ backend: 'onnxruntime' }, { backends });
  assert.equal(config.default_model_filename, 'net.onnx');
  assert.deepEqual(instances(config), [['m', 'KIND_CPU', 5, '']]);
});

test('makes one instance group of the name of the model when there is none', () => {
  assert.deepEqual(instances(normalize({ backend: 'python' })), [['m', 'KIND_CPU', 1, '']]);
  assert.deepEqual(instances(normalize({ backend: 'onnxruntime' })), [['m', 'KIND_CPU', 2, '']]);
});

test('names groups by their index and fills in kind and count', () => {
  const groups: Init<ModelConfig>['instance_group'] = [
    { name: 'own', count: 4 },
    { kind: 'KIND_CPU' },
    { kind: 'KIND_MODEL' },
  ];
  assert.deepEqual(instances(normalize({ backend: 'double', instance_group: groups })), [
    ['own', 'KIND_CPU', 4, ''],
    ['m_1', 'KIND_CPU', 3, ''],
    ['m_2', 'KIND_MODEL', 1, ''],
  ]);
});

test('puts groups of no kind on the GPUs when there are those they name', () => {
  const groups: Init<ModelConfig>['instance_group'] = [{}, { gpus: [1] }, { gpus: [7] }];
  const backends = knownBackends([{ name: 'double', defaultInstanceCount: 3, automaticKind: 'KIND_GPU' }]);
  const config = normalize({ backend: 'double', instance_group: groups }, { gpus: [0, 1], backends });
  assert.deepEqual(instances(config), [
    ['m_0', 'KIND_GPU', 1, '0,1'],
    ['m_1', 'KIND_GPU', 1, '1'],
    ['m_2', 'KIND_CPU', 3, '7'],
  ]);
});

test('a backend that does not ask for GPUs has them only for groups that name them', () => {
  const groups: Init<ModelConfig>['instance_group'] = [{}, { gpus: [1] }, { kind: 'KIND_GPU' }];
  assert.deepEqual(instances(normalize({ backend: 'double', instance_group: groups }, { gpus: [0, 1] })), [
    ['m_0', 'KIND_CPU', 3, ''],
    ['m_1', 'KIND_GPU', 1, '1'],
    ['m_2', 'KIND_GPU', 1, '0,1'],
  ]);
});

test('fills in the defaults of version policy, schedulers and optimization', () => {
  const dynamic = normalize({
    backend: 'double',
    max_batch_size: 4,
    dynamic_batching: {},
    optimization: { cuda: {} },
  });
  assert.deepEqual(dynamic.version_policy, { latest: { num_versions: 1 } });
  assert.deepEqual(dynamic.dynamic_batching?.preferred_batch_size, [4]);
  assert.deepEqual(dynamic.optimization?.input_pinned_memory, { enable: true });
  assert.equal(dynamic.optimization?.cuda?.graphs, false);
  const sequence = normalize({ backend: 'double', max_batch_size: 4, sequence_batching: { oldest: {} } });
  assert.equal(sequence.sequence_batching?.max_sequence_idle_microseconds, 1_000_000);
  assert.deepEqual(sequence.sequence_batching?.oldest?.preferred_batch_size, [4]);
});

test('keeps what the file says', () => {
  const config = normalize({
    backend: 'double',
    max_batch_size: 8,
    version_policy: { all: {} },
    dynamic_batching: { preferred_batch_size: [2] },
    optimization: { output_pinned_memory: { enable: false } },
  });
  assert.deepEqual(config.version_policy, { all: {} });
  assert.deepEqual(config.dynamic_batching?.preferred_batch_size, [2]);
  assert.deepEqual(config.optimization?.output_pinned_memory, { enable: false });
});

test('gives an ensemble neither instances nor optimization', () => {
  const config = normalize({ platform: 'ensemble', ensemble_scheduling: { step: [] } });
  assert.deepEqual(backendFields(config), ['', 'ensemble', '']);
  assert.deepEqual(config.instance_group, []);
  assert.equal(config.optimization, undefined);
  assert.deepEqual(config.model_transaction_policy, { decoupled: false });
});

test('completes a configuration with what the backend said and the defaults that follow', () => {
  const config = normalize({ backend: 'double' });
  const { dynamic_batching: batching } = createModelConfig({ dynamic_batching: {} });
  assert.ok(batching !== undefined);
  const complete = completeModelConfig(config, { max_batch_size: 4, dynamic_batching: batching });
  assert.equal(complete.max_batch_size, 4);
  assert.deepEqual(complete.dynamic_batching?.preferred_batch_size, [4]);
  assert.equal(completeModelConfig(config, undefined), config);
});
