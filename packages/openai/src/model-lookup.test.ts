import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig, InferenceServerError } from '@nereid/backend-sdk';
import type { PluginModel } from '@nereid/backend-sdk/http';
import { findModel } from './model-lookup.ts';

function model(name: string, adapters?: string): PluginModel {
  const parameters = adapters === undefined ? {} : { openai_adapters: { string_value: adapters } };
  return { name, version: '1', config: createModelConfig({ name, parameters }), decoupled: false };
}

const MODELS = [model('llama', 'sql,poems'), model('plain'), model('a:b')];
const CONTEXT = {
  getModel: (name: string) => {
    const found = MODELS.find((one) => one.name === name);
    if (found !== undefined) return found;
    const code = name === 'loading' ? 'UNAVAILABLE' : 'NOT_FOUND';
    throw new InferenceServerError(code, `Request for unknown model: '${name}'`);
  },
};

test('a name stands for a model, or for a model and its adapter', () => {
  for (const [name, found, lora] of [
    ['plain', 'plain', undefined],
    ['llama:sql', 'llama', 'sql'],
    ['a:b', 'a:b', undefined],
  ] as const) {
    const named = findModel(CONTEXT, name, ':');
    assert.deepEqual([named.model.name, named.lora], [found, lora]);
  }
});

test('without a separator adapters have no names', () => {
  assert.throws(() => findModel(CONTEXT, 'llama:sql', ''), { code: 'NOT_FOUND' });
});

test('an unknown adapter is told with the known ones', () => {
  assert.throws(() => findModel(CONTEXT, 'llama:prose', ':'), {
    code: 'NOT_FOUND',
    message: "model 'llama' has no LoRA adapter 'prose': it has sql, poems",
  });
  assert.throws(() => findModel(CONTEXT, 'plain:prose', ':'), {
    message: "model 'plain' has no LoRA adapter 'prose': it has none",
  });
});

test('a model that is not ready is unavailable, not unknown', () => {
  assert.throws(() => findModel(CONTEXT, 'loading', ':'), { code: 'UNAVAILABLE' });
  assert.throws(() => findModel(CONTEXT, 'none', ':'), { code: 'NOT_FOUND' });
});
