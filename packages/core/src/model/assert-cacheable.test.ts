import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/protocol/model-config';
import { assertCacheable } from './assert-cacheable.ts';

const PLAIN = model('plain');
const STREAM = model('stream', { model_transaction_policy: { decoupled: true } });
const SEQUENCE = model('sequence', { sequence_batching: {} });

function model(name: string, fields: Init<ModelConfig> = {}): ModelConfig {
  return createModelConfig({ name, ...fields });
}

function ensembleOf(name: string, ...models: readonly ModelConfig[]): ModelConfig {
  const step = models.map((one) => ({ model_name: one.name, model_version: -1 }));
  return model(name, { platform: 'ensemble', ensemble_scheduling: { step } });
}

/** What there is to say against caching an ensemble of these, of all models that are loaded. */
function problemOf(models: readonly ModelConfig[], loaded: readonly ModelConfig[] = []): string | undefined {
  try {
    assertCacheable(models, {
      configOf: (name) => loaded.find((one) => one.name === name),
      refuse: (problem) => {
        throw new Error(problem);
      },
    });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test('an ensemble of models that could be cached can be', () => {
  assert.equal(problemOf([PLAIN, ensembleOf('inner', PLAIN)], [PLAIN]), undefined);
});

test('a decoupled model is refused by name, and so is one with the sequence batcher', () => {
  assert.equal(problemOf([PLAIN, STREAM]), "its model 'stream' is decoupled");
  assert.equal(problemOf([PLAIN, SEQUENCE]), "its model 'sequence' has the sequence batcher");
});

test('models of ensembles within ensembles count, at any depth', () => {
  const inner = ensembleOf('inner', PLAIN, STREAM);
  const outer = ensembleOf('outer', inner);
  assert.equal(problemOf([outer], [PLAIN, STREAM, inner]), "its model 'stream' is decoupled");
});

test('a model that is not loaded says nothing: the load of the ensemble complains of it', () => {
  assert.equal(problemOf([ensembleOf('inner', STREAM)]), undefined);
});
