import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createModelConfig } from '@nereid/backend-sdk';
import {
  findEnvironmentSource,
  type EnvironmentQuery,
  type EnvironmentSource,
} from './environment-source.ts';

/** A model in a folder of its own: `<root>/m`, beside a backend in `<root>/backend`. */
function makeModel(t: TestContext, ...files: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'nereid-source-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const file of ['m/1/model.py', ...files]) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), file.endsWith('.toml') ? '[project]\n' : '');
  }
  const find = (
    parameters: Readonly<Record<string, string>> = {},
    query: Partial<EnvironmentQuery> = {},
  ): Promise<EnvironmentSource> => {
    const given = Object.entries(parameters).map(([name, value]) => [name, { string_value: value }]);
    return findEnvironmentSource({
      context: { modelDirectory: join(root, 'm'), versionDirectory: join(root, 'm/1') },
      config: createModelConfig({ name: 'm', parameters: Object.fromEntries(given) }),
      codeDirectory: join(root, 'm/1'),
      interpreter: 'python3',
      readsRequirements: true,
      ...query,
    });
  };
  const requirements = (...names: readonly string[]): EnvironmentSource => ({
    kind: 'requirements',
    interpreter: 'python3',
    files: names.map((name) => join(root, name)),
  });
  return { root, find, requirements };
}

test('a model that says nothing has the interpreter of the setting, and its parameter goes before that', async (t) => {
  const { find, root } = makeModel(t);
  assert.deepEqual(await find(), { kind: 'interpreter', interpreter: 'python3' });
  assert.deepEqual(await find({ PYTHON_INTERPRETER: '$$TRITON_MODEL_DIRECTORY/bin/python' }), {
    kind: 'interpreter',
    interpreter: join(root, 'm/bin/python'),
  });
});

test("the version's requirements go before the model's, and the most exact file before others", async (t) => {
  const model = makeModel(t, 'm/requirements.txt', 'm/pyproject.toml');
  assert.deepEqual(await model.find(), model.requirements('m/requirements.txt'));
  const both = makeModel(t, 'm/requirements.txt', 'm/1/pyproject.toml');
  assert.deepEqual(await both.find(), both.requirements('m/1/pyproject.toml'));
  const locked = makeModel(t, 'm/requirements.txt', 'm/pylock.toml');
  assert.deepEqual(await locked.find(), locked.requirements('m/pylock.toml'));
});

test("a backend's requirements are added to the model's", async (t) => {
  const { find, root, requirements } = makeModel(t, 'm/requirements.txt', 'backend/pyproject.toml');
  const found = await find({}, { codeDirectory: join(root, 'backend') });
  assert.deepEqual(found, requirements('m/requirements.txt', 'backend/pyproject.toml'));
});

test('requirements are left alone when the setting says so', async (t) => {
  const { find } = makeModel(t, 'm/requirements.txt');
  assert.equal((await find({}, { readsRequirements: false })).kind, 'interpreter');
});

test('EXECUTION_ENV_PATH is an archive or a folder, and goes before requirements', async (t) => {
  const { find, root } = makeModel(t, 'm/env.tar.gz', 'm/env/bin/python', 'm/requirements.txt');
  assert.deepEqual(await find({ EXECUTION_ENV_PATH: '$$TRITON_MODEL_DIRECTORY/env.tar.gz' }), {
    kind: 'archive',
    path: join(root, 'm/env.tar.gz'),
  });
  assert.deepEqual(await find({ EXECUTION_ENV_PATH: join(root, 'm/env') }), {
    kind: 'folder',
    path: join(root, 'm/env'),
  });
});

test('an EXECUTION_ENV_PATH that is not there says where it was looked for', async (t) => {
  const { find, root } = makeModel(t);
  await assert.rejects(find({ EXECUTION_ENV_PATH: '$$TRITON_MODEL_DIRECTORY/env.tar.gz' }), {
    code: 'INVALID_ARG',
    message: `model 'm', parameter 'EXECUTION_ENV_PATH': expected a tar archive or the folder of an environment, found no 'env.tar.gz' in ${root}/m`,
  });
});

test('EXECUTION_ENV_PATH and PYTHON_INTERPRETER contradict each other', async (t) => {
  const { find, root } = makeModel(t);
  await assert.rejects(find({ EXECUTION_ENV_PATH: root, PYTHON_INTERPRETER: 'python3' }), {
    code: 'INVALID_ARG',
    message: /EXECUTION_ENV_PATH brings a Python of its own: leave out PYTHON_INTERPRETER/,
  });
});

test('a pyproject.toml that is there for tools alone asks for nothing', async (t) => {
  const { find, root, requirements } = makeModel(t, 'm/pyproject.toml');
  assert.deepEqual(await find(), requirements('m/pyproject.toml'));
  writeFileSync(join(root, 'm/pyproject.toml'), '[tool.black]\nline-length = 100\n');
  assert.deepEqual(await find(), { kind: 'interpreter', interpreter: 'python3' });
});
