import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { configError } from './config-source.ts';
import { configFromOverride, readModelConfig } from './read-model-config.ts';

interface ModelFolder {
  readonly name: string;
  readonly directory: string;
  readonly paths: readonly string[];
}

async function createModel(t: TestContext, files: Readonly<Record<string, string>>): Promise<ModelFolder> {
  const directory = await mkdtemp(join(tmpdir(), 'model-'));
  t.after(() => rm(directory, { recursive: true }));
  await mkdir(join(directory, 'configs'));
  for (const [path, text] of Object.entries(files)) await writeFile(join(directory, path), text);
  return { name: 'm', directory, paths: Object.keys(files) };
}

const LENIENT = { configName: '', strict: false };

test('reads config.pbtxt with the places of its fields', async (t) => {
  const model = await createModel(t, { 'config.pbtxt': 'name: "m"\nmax_batch_size: 4' });
  const { config, source } = await readModelConfig(model, LENIENT);
  assert.equal(config?.max_batch_size, 4);
  assert.equal(source.file, 'm/config.pbtxt');
  assert.deepEqual(source.positions.get('max_batch_size'), { line: 2, column: 1 });
});

test('reads the named configuration first, and config.pbtxt when there is none of that name', async (t) => {
  const model = await createModel(t, {
    'config.pbtxt': 'max_batch_size: 4',
    'configs/small.pbtxt': 'max_batch_size: 2',
  });
  const small = await readModelConfig(model, { configName: 'small', strict: false });
  assert.deepEqual([small.config?.max_batch_size, small.source.file], [2, 'm/configs/small.pbtxt']);
  const other = await readModelConfig(model, { configName: 'other', strict: false });
  assert.deepEqual([other.config?.max_batch_size, other.source.file], [4, 'm/config.pbtxt']);
});

test('gives none for a model without configuration, which strict mode refuses', async (t) => {
  const model = await createModel(t, {});
  assert.equal((await readModelConfig(model, LENIENT)).config, undefined);
  await assert.rejects(readModelConfig(model, { configName: '', strict: true }), {
    code: 'INVALID_ARG',
    message: "model 'm' has no config.pbtxt, which it must have without auto-completion",
  });
});

test('tells the place of wrong text', async (t) => {
  const model = await createModel(t, { 'config.pbtxt': 'name: "m"\n  colour: 3' });
  await assert.rejects(readModelConfig(model, LENIENT), {
    code: 'INVALID_ARG',
    message: /^m\/config\.pbtxt:2:3: unknown field 'colour'/,
  });
});

test('says why a configuration can not be read', async (t) => {
  const model = await createModel(t, {});
  await mkdir(join(model.directory, 'config.pbtxt'));
  await assert.rejects(readModelConfig({ ...model, paths: ['config.pbtxt/'] }, LENIENT), {
    code: 'INVALID_ARG',
    message: "m/config.pbtxt can't be read: Is a directory",
  });
});

test('reads the JSON of a load request and names it in errors', () => {
  const { config, source } = configFromOverride('{"max_batch_size": 2}', 'm');
  assert.equal(config?.max_batch_size, 2);
  assert.match(
    configError(source, 'max_batch_size', 'wrong').message,
    /^m: config of the load request: wrong$/,
  );
  assert.throws(() => configFromOverride('{"max_batch_size": "x"}', 'm'), {
    code: 'INVALID_ARG',
    message: /^m: config of the load request: .*max_batch_size/,
  });
});

test('shows the place of the nearest field that is in the file', () => {
  const positions = new Map([
    ['input', { line: 2, column: 1 }],
    ['input[0]', { line: 2, column: 9 }],
  ]);
  const source = { file: 'm/config.pbtxt', positions };
  assert.equal(configError(source, 'input[0].dims[1]', 'wrong').message, 'm/config.pbtxt:2:9: wrong');
  assert.equal(configError(source, 'input[3].name', 'wrong').message, 'm/config.pbtxt:2:1: wrong');
  assert.equal(configError(source, 'output', 'wrong').message, 'm/config.pbtxt: wrong');
});
