import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { LocalRepository } from './local-repository.ts';
import { ModelRepository } from './model-repository.ts';

const ignore = (): void => {};
const LOGGER: Logger = { verbose: ignore, info: ignore, error: ignore, warning: ignore };

async function createRepositories(t: TestContext, folders: readonly string[]): Promise<ModelRepository> {
  const base = await mkdtemp(join(tmpdir(), 'repositories-'));
  t.after(() => rm(base, { recursive: true }));
  for (const folder of folders) await mkdir(join(base, folder), { recursive: true });
  return new ModelRepository(
    [join(base, 'one'), join(base, 'two')].map((path) => new LocalRepository(path, LOGGER)),
  );
}

test('indexes the models of all repositories', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/b/1']);
  const index = await repository.index();
  assert.deepEqual([...index.keys()].sort(), ['a', 'b']);
  assert.deepEqual(index.get('b')?.entry?.versions, [1]);
  assert.equal((await repository.find('a'))?.entry?.name, 'a');
});

test('refuses a model that lies in two repositories and says so', async (t) => {
  const repository = await createRepositories(t, ['one/a/1', 'two/a/1', 'two/b/1']);
  const conflict = { entry: undefined, conflict: 'model appears in two or more repositories' };
  assert.deepEqual((await repository.index()).get('a'), conflict);
  assert.deepEqual(await repository.find('a'), conflict);
});

test('finds nothing under an unknown name', async (t) => {
  const repository = await createRepositories(t, ['one', 'two']);
  assert.equal(await repository.find('a'), undefined);
});

test('fails when one of the repositories can not be read', async (t) => {
  const repository = await createRepositories(t, ['one/a/1']);
  await assert.rejects(repository.index(), { code: 'UNAVAILABLE', message: /two' can't be read/ });
});
