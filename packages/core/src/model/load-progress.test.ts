import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIdentifier } from '../model-identifier.ts';
import { LoadProgress } from './load-progress.ts';
import { ModelNames } from './model-names.ts';
import { ModelRegistry } from './model-registry.ts';

const ID = modelIdentifier('', 'llama');

function setUp() {
  const lines: string[] = [];
  const info = (line: string): void => void lines.push(line);
  const registry = new ModelRegistry(new ModelNames(false));
  const logger = { info, verbose: () => {}, warning: info, error: info };
  const progress = new LoadProgress(registry, logger);
  registry.setStatus(ID, [1], 'LOADING', '');
  progress.begin('llama/1#0', { id: ID, version: 1 });
  return { registry, progress, lines };
}

test('what a load does is the reason of LOADING in the index, and in the log', () => {
  const { registry, progress, lines } = setUp();
  progress.report('llama/1#0', 'loading weights: 3 of 8 shards');
  assert.deepEqual(registry.index(ID), [
    { name: 'llama', version: '1', state: 'LOADING', reason: 'loading weights: 3 of 8 shards' },
  ]);
  assert.deepEqual(lines, ["loading 'llama' version 1: loading weights: 3 of 8 shards"]);
});

test('what comes after the load changes no state', () => {
  const { registry, progress, lines } = setUp();
  progress.end('llama/1#0');
  registry.setStatus(ID, [1], 'UNAVAILABLE', 'no memory');
  progress.report('llama/1#0', 'restarting the engine');
  assert.deepEqual(registry.index(ID), [
    { name: 'llama', version: '1', state: 'UNAVAILABLE', reason: 'no memory' },
  ]);
  assert.deepEqual(lines, ["model 'llama/1': restarting the engine"]);
});
