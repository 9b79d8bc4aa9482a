import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ModelConfig } from '@nereid/backend-sdk';
import { createModelConfig, type Init } from '@nereid/backend-sdk/testing';
import { createModelContext } from '../test/model-context.ts';
import { findModelFile } from './model-file.ts';
import { openSession } from './open-session.ts';
import type { Ort, OrtSessionOptions } from './ort-binding.ts';

const MODELS = join(import.meta.dirname, '../test/models');

/** The options with which a session of one of our models is opened. */
async function optionsFor(model: string, fields: Init<ModelConfig> = {}): Promise<OrtSessionOptions> {
  const asked: OrtSessionOptions[] = [];
  const ort: Ort = {
    providers: ['cpu'],
    createSession: (_, options) => {
      asked.push(options);
      return { inputs: [], outputs: [], run: () => ({}), dispose: () => {} };
    },
  };
  const config = createModelConfig({ name: model, ...fields });
  const context = createModelContext(config, { modelDirectory: join(MODELS, model) });
  const file = findModelFile(context, config);
  await openSession(ort, { context, config, device: { kind: 'KIND_CPU', deviceId: 0 }, file });
  const [options] = asked;
  assert.ok(options !== undefined);
  return options;
}

describe('openSession', () => {
  it('leaves out optimizations that have nothing to do in a tiny model', async () => {
    assert.equal((await optionsFor('add_sub')).graphOptimizationLevel, 'basic');
    assert.equal((await optionsFor('transpose')).graphOptimizationLevel, 'all');
  });

  it('takes the level that a model asks for', async () => {
    const optimization = { graph: { level: 1 } };
    assert.equal((await optionsFor('add_sub', { optimization })).graphOptimizationLevel, 'extended');
  });

  it('gives a tiny model no threads of its own', async () => {
    assert.equal((await optionsFor('add_sub')).intraOpNumThreads, 1);
  });
});
