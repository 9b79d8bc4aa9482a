import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { ModelModules } from './model-modules.ts';

const API = new URL('define-model.ts', import.meta.url).href;

describe('the modules of models', () => {
  let folder: string;
  let modules: ModelModules;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'model-modules-'));
    modules = new ModelModules(API);
  });
  after(async () => {
    modules.close();
    await rm(folder, { recursive: true });
  });
  beforeEach(async () => {
    await write('model.ts', "export { word as default } from './word.ts';");
    await write('word.ts', "export const word: object = { text: 'one' };");
  });

  it('gives an unchanged module again, however often it is loaded', async () => {
    const first = await load();
    for (let round = 0; round < 20; round += 1) assert.equal(await load(), first);
  });

  it('sees a changed file that the model imports', async () => {
    await load();
    await write('word.ts', "export const word: object = { text: 'another' };");
    assert.deepEqual(await load(), { text: 'another' });
  });

  it('tries again what failed', async () => {
    await rm(join(folder, 'word.ts'));
    await assert.rejects(load(), /Cannot find module/);
    await write('word.ts', "export const word: object = { text: 'late' };");
    assert.deepEqual(await load(), { text: 'late' });
  });

  it("hands the server's own API to models, wherever they lie", async () => {
    await write('model.ts', "export { defineModel as default } from '@nereid/backend-script';");
    assert.equal(await load(), (await import('./define-model.ts')).defineModel);
  });

  async function load(): Promise<unknown> {
    const exports: unknown = await modules.import(join(folder, 'model.ts'));
    return typeof exports === 'object' && exports !== null && 'default' in exports
      ? exports.default
      : undefined;
  }

  function write(name: string, text: string): Promise<void> {
    return writeFile(join(folder, name), text);
  }
});
