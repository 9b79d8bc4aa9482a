import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Logger } from '@nereid/backend-sdk';
import { modelIdentifier } from '../model-identifier.ts';
import { LocalRepository } from './local-repository.ts';

interface Fixture {
  readonly path: string;
  readonly repository: LocalRepository;
  readonly warnings: string[];
}

/** A repository with the given files; a path that ends in a slash is a folder. */
async function createRepository(t: TestContext, paths: readonly string[]): Promise<Fixture> {
  const path = await mkdtemp(join(tmpdir(), 'repository-'));
  t.after(() => rm(path, { recursive: true }));
  for (const file of paths) {
    await mkdir(join(path, file.slice(0, file.lastIndexOf('/') + 1)), { recursive: true });
    if (!file.endsWith('/')) await writeFile(join(path, file), 'content');
  }
  const warnings: string[] = [];
  const ignore = (): void => {};
  const logger: Logger = {
    verbose: ignore,
    info: ignore,
    error: ignore,
    warning: (text) => warnings.push(text),
  };
  return { path, repository: new LocalRepository(path, logger), warnings };
}

async function fingerprintOf({ repository }: Fixture): Promise<string | undefined> {
  return (await repository.find('m'))?.fingerprint;
}

test('lists the folders of a repository by name and leaves out files and hidden folders', async (t) => {
  const { repository, path } = await createRepository(t, [
    'b/1/model.onnx',
    'a/config.pbtxt',
    'README',
    '.git/1/x',
  ]);
  const entries = await repository.list();
  assert.deepEqual(
    entries.map((entry) => ({ ...entry, fingerprint: '', stamps: [] })),
    [
      {
        id: modelIdentifier('', 'a'),
        name: 'a',
        directory: join(path, 'a'),
        repositoryPath: path,
        versions: [],
        paths: ['config.pbtxt'],
        fingerprint: '',
        stamps: [],
        byteSize: 'content'.length,
      },
      {
        id: modelIdentifier('', 'b'),
        name: 'b',
        directory: join(path, 'b'),
        repositoryPath: path,
        versions: [1],
        paths: ['1/', '1/model.onnx'],
        fingerprint: '',
        stamps: [],
        byteSize: 'content'.length,
      },
    ],
  );
});

test('names the models that it lists', async (t) => {
  const { repository, path } = await createRepository(t, ['b/1/x', 'a/1/x', 'file', '.git/1/x']);
  await symlink(join(path, 'a'), join(path, 'linked'));
  await symlink(join(path, 'absent'), join(path, 'dangling'));
  assert.deepEqual(await repository.names(), ['a', 'b', 'linked']);
  assert.deepEqual(
    (await repository.list()).map(({ name }) => name),
    ['a', 'b', 'linked'],
  );
});

test('counts only folders named by a number without leading zeros as versions', async (t) => {
  const folders = ['0', '2', '10', '03', '4b', 'v5', 'warmup'].map((folder) => `m/${folder}/model.onnx`);
  const { repository, warnings } = await createRepository(t, [...folders, 'm/7']);
  assert.deepEqual((await repository.find('m'))?.versions, [0, 2, 10]);
  await repository.list();
  assert.equal(warnings.length, 2);
  assert.match(warnings.sort().join(), /m\/03' is ignored.*m\/4b' is ignored/);
});

test('follows links to folders and files, and ends when they lead back up', async (t) => {
  const { repository, path } = await createRepository(t, ['real/1/model.onnx']);
  await symlink(join(path, 'real'), join(path, 'linked'));
  await symlink(join(path, 'real'), join(path, 'real', 'again'));
  const names = (await repository.list()).map(({ name, versions }) => [name, versions]);
  assert.deepEqual(names, [
    ['linked', [1]],
    ['real', [1]],
  ]);
});

test('gives the same fingerprint while nothing changes', async (t) => {
  const fixture = await createRepository(t, ['m/config.pbtxt', 'm/1/model.onnx', 'm/1/sub/weights']);
  const [listed] = await fixture.repository.list();
  assert.equal(listed?.fingerprint, await fingerprintOf(fixture));
});

test('gives another fingerprint when a file at any depth is added, removed, resized or touched', async (t) => {
  const fixture = await createRepository(t, ['m/config.pbtxt', 'm/1/model.onnx', 'm/1/sub/weights']);
  const { path } = fixture;
  const fingerprints = [await fingerprintOf(fixture)];
  const changes = [
    () => writeFile(join(path, 'm/1/sub/weights'), 'other content'),
    () => utimes(join(path, 'm/config.pbtxt'), 1000, 1000),
    () => mkdir(join(path, 'm/2')),
    () => writeFile(join(path, 'm/1/sub/more'), ''),
    () => rm(join(path, 'm/1/model.onnx')),
  ];
  for (const change of changes) {
    await change();
    fingerprints.push(await fingerprintOf(fixture));
  }
  assert.equal(new Set(fingerprints).size, changes.length + 1);
});

test('gives the same fingerprint when Python has written its cache', async (t) => {
  const fixture = await createRepository(t, ['m/1/model.py']);
  const before = await fingerprintOf(fixture);
  await mkdir(join(fixture.path, 'm/1/__pycache__'));
  assert.equal(await fingerprintOf(fixture), before);
});

test('finds no model outside of the repository, nor one that is not there', async (t) => {
  const { repository } = await createRepository(t, ['m/1/model.onnx', 'file']);
  for (const name of ['', '.', '..', '../other', 'm/1', 'm\\1', 'absent', 'file']) {
    assert.equal(await repository.find(name), undefined, name);
  }
});

test('says which repository can not be read and why', async (t) => {
  const { path } = await createRepository(t, ['file']);
  const ignore = (): void => {};
  const logger: Logger = { verbose: ignore, info: ignore, error: ignore, warning: ignore };
  for (const [name, reason] of [
    ['absent', 'No such file or directory'],
    ['file', 'Not a directory'],
  ] as const) {
    const repository = new LocalRepository(join(path, name), logger);
    await assert.rejects(repository.list(), {
      code: 'UNAVAILABLE',
      message: `model repository '${join(path, name)}' can't be read: ${reason}`,
    });
  }
});
