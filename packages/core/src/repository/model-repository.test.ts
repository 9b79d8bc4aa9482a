import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { modelIdentifier } from '../model-identifier.ts';
import { LocalRepository } from './local-repository.ts';
import { ModelRepository } from './model-repository.ts';

const ignore = (): void => {};
const LOGGER: Logger = { verbose: ignore, info: ignore, error: ignore, warning: ignore };

/** @param namespaces - Those of the repositories `one` and `two`. */
async function createRepositories(
  t: TestContext,
  folders: readonly string[],
  namespaces: readonly [string, string] = ['', ''],
): Promise<ModelRepository> {
  const base = await mkdtemp(join(tmpdir(), 'repositories-'));
  t.after(() => rm(base, { recursive: true }));
  for (const folder of folders) await mkdir(join(base, folder), { recursive: true });
  return new ModelRepository(
    ['one', 'two'].map((path, at) => new LocalRepository(join(base, path), LOGGER, namespaces[at])),
  );
}

const A = modelIdentifier('', 'a');

test('indexes the models of all repositories', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/b/1']);
  const index = await repository.index();
  assert.deepEqual([...index.keys()].sort(), ['a', 'b']);
  assert.deepEqual(index.get(modelIdentifier('', 'b'))?.entry?.versions, [1]);
  assert.equal((await repository.find(A))?.entry?.name, 'a');
});

test('refuses a model that lies in two repositories and says so', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/a/1', 'two/b/1']);
  const conflict = { entry: undefined, conflict: 'model appears in two or more repositories' };
  assert.deepEqual((await repository.index()).get(A), conflict);
  assert.deepEqual(await repository.find(A), conflict);
  assert.deepEqual(
    [...(await repository.names())],
    [
      [A, conflict.conflict],
      [modelIdentifier('', 'b'), undefined],
    ],
  );
});

test('models of one name in two namespaces are two models', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/a/2', 'two/b/1'], ['x', 'y']);
  const [first, second] = [modelIdentifier('x', 'a'), modelIdentifier('y', 'a')];
  assert.deepEqual([...(await repository.index()).keys()].sort(), ['x/a', 'y/a', 'y/b']);
  assert.deepEqual((await repository.find(first))?.entry?.versions, [1]);
  assert.deepEqual((await repository.find(second))?.entry?.versions, [2]);
  assert.deepEqual(await repository.identifiersOf('a'), [first, second]);
  assert.equal(await repository.find(A), undefined);
});

test('a name that lies twice in one namespace is none that can be used', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/a/1']);
  assert.deepEqual(await repository.identifiersOf('a'), []);
});

test('finds nothing under an unknown name', async (t) => {
  const repository = await createRepositories(t, ['one', 'two']);
  assert.equal(await repository.find(A), undefined);
});

test('fails when one of the repositories can not be read', async (t) => {
  const repository = await createRepositories(t, ['one/a/1']);
  await assert.rejects(repository.index(), { code: 'UNAVAILABLE', message: /two' can't be read/ });
});
