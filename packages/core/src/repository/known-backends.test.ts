import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from '@nereid/protocol/model-config';
import { knownBackends, onlyBackendOf, type KnownBackend } from './known-backends.ts';

function rowsOf(name: string, rows: readonly KnownBackend[]): readonly KnownBackend[] {
  return rows.filter((row) => row.name === name);
}

test('a backend with several formats stands once for each', () => {
  const rows = knownBackends([
    {
      name: 'forest',
      platform: 'forest_binary',
      defaultModelFilename: 'trees.bin',
      defaultInstanceCount: 2,
      otherFormats: [{ defaultModelFilename: 'trees.txt' }],
    },
  ]);
  assert.deepEqual(rowsOf('forest', rows), [
    { name: 'forest', platform: 'forest_binary', defaultModelFilename: 'trees.bin', defaultInstanceCount: 2 },
    { name: 'forest', defaultModelFilename: 'trees.txt', defaultInstanceCount: 2 },
  ]);
});

test("formats of Triton's backends are known once, whatever the installed one has beside them", () => {
  const rows = knownBackends([
    {
      name: 'pytorch',
      platform: 'pytorch_libtorch',
      defaultModelFilename: 'model.pt',
      otherFormats: [{ platform: 'torch_export', defaultModelFilename: 'model.exported' }],
    },
  ]);
  assert.deepEqual(
    rowsOf('pytorch', rows).map(({ platform }) => platform),
    ['pytorch_libtorch', 'torch_aoti', 'torch_export'],
  );
});

test('an installed backend that says nothing of itself leaves what is known of it', () => {
  const rows = rowsOf('openvino', knownBackends([{ name: 'openvino', defaultModelFilename: 'model.xml' }]));
  assert.deepEqual(rows, [{ name: 'openvino', defaultModelFilename: 'model.xml' }]);
});

test('the one backend that a configuration can be for', () => {
  for (const [config, expected] of [
    [{ backend: 'fil' }, 'fil'],
    [{ platform: 'onnxruntime_onnx' }, 'onnxruntime'],
    [{ backend: 'onnxruntime', platform: 'onnxruntime_onnx' }, 'onnxruntime'],
    [{ platform: 'ensemble' }, ''],
    // It may be for another one, too, which an error would name.
    [{ backend: 'fil', platform: 'onnxruntime_onnx' }, undefined],
    [{ backend: 'fil', platform: 'forest' }, undefined],
    [{ platform: 'forest' }, undefined],
    [{ default_model_filename: 'model.onnx' }, undefined],
    [{}, undefined],
  ] as const) {
    assert.equal(onlyBackendOf(createModelConfig(config)), expected, JSON.stringify(config));
  }
});
