/** Environments of Python models from an index that goes away, and from files that lock every version. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { CONFIG, greet, MAKE_WHEELS, MODEL } from '../python/greeting-model.ts';
import { pythonVenv } from '../python/venv.ts';
import { makeRepository, type ModelFiles, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 180_000 };
// Asynchronous: the index that the command asks is in this process.
const run = promisify(execFile);
const scratch = mkdtempSync(join(tmpdir(), 'nereid-locked-'));
const wheels = join(scratch, 'wheels');
const newer = join(scratch, 'newer');
const PROJECT = `[project]
name = "m"
version = "1"
requires-python = ">=3.11"
dependencies = ["greeting", "numpy"]
`;

let index: Server;
/** Folders of wheels that the index has. */
let offered: readonly string[] = [wheels];
let uv = '';

before(async () => {
  uv = join(dirname(pythonVenv()), 'uv');
  for (const [folder, version] of [
    [wheels, '1.0'],
    [newer, '2.0'],
  ] as const) {
    mkdirSync(folder);
    await run(pythonVenv(), [MAKE_WHEELS, folder, version]);
  }
  index = createServer(({ url = '' }, response) => {
    response.setHeader('content-type', url.endsWith('.whl') ? 'application/octet-stream' : 'text/html');
    response.end(serveIndex(url));
  });
  index.listen(0, '127.0.0.1');
  await once(index, 'listening');
  const { port } = index.address() as AddressInfo;
  Object.assign(process.env, {
    PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`,
    UV_CACHE_DIR: join(scratch, 'uv'),
    PIP_CACHE_DIR: join(scratch, 'pip'),
    PATH: `${dirname(pythonVenv())}${delimiter}${process.env['PATH']}`,
  });
});
after(() => {
  index.close();
  rmSync(scratch, { recursive: true });
});

/** The simple repository API: a page of links for each package, and the files. */
function serveIndex(url: string): string | Buffer {
  const [, kind, name = ''] = url.split('/');
  const files = offered.flatMap((folder) => readdirSync(folder).map((file) => join(folder, file)));
  if (kind !== 'simple') return readFileSync(files.find((file) => file.endsWith(`/${name}`)) ?? '');
  const own = files.filter((file) => file.includes(`/${name}-`));
  const links = own.map(
    (file) => `<a href="/files/${nameOf(file)}#sha256=${hashOf(file)}">${nameOf(file)}</a>`,
  );
  return `<!DOCTYPE html><html><body>${links.join('')}</body></html>`;
}

function nameOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex');
}

/** A cache of environments of its own, so that each test makes one. */
function serve({ path }: TemporaryRepository, ...settings: readonly string[]): Promise<RunningServer> {
  const cache = mkdtempSync(join(scratch, 'environments-'));
  const all = [`interpreter=${pythonVenv()}`, `environment-cache=${cache}`, ...settings];
  return startServer(path, ...all.map((setting) => `--backend-config=python,${setting}`));
}

function writeModel(repository: TemporaryRepository, files: ModelFiles): void {
  repository.write('m', { 'config.pbtxt': CONFIG, '1/model.py': MODEL, ...files });
}

/** Requirements that name each wheel by its hash. */
function hashed(change: (hash: string) => string = (hash) => hash): string {
  const lines = readdirSync(wheels).map((file) => {
    const [name, version] = file.split('-');
    return `${name}==${version} --hash=sha256:${change(hashOf(join(wheels, file)))}\n`;
  });
  return lines.join('');
}

/** The files of a project whose versions are locked before a newer one came out. */
async function lockProject(): Promise<Readonly<Record<string, string>>> {
  const folder = mkdtempSync(join(scratch, 'project-'));
  writeFileSync(join(folder, 'pyproject.toml'), PROJECT);
  const flags = [
    '--project',
    folder,
    '--python',
    pythonVenv(),
    '--default-index',
    process.env['PIP_INDEX_URL'] ?? '',
  ];
  await run(uv, ['lock', ...flags]);
  const pylock = [
    '--format',
    'pylock.toml',
    '--no-emit-project',
    '--output-file',
    join(folder, 'pylock.toml'),
  ];
  await run(uv, ['export', '--frozen', '--quiet', ...pylock, ...flags]);
  const names = ['pyproject.toml', 'uv.lock', 'pylock.toml'];
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

for (const installer of ['uv', 'pip'] as const) {
  test(
    `${installer} offline says which requirement its caches lack, and which setting forbids more`,
    LIMIT,
    async (t) => {
      if (installer === 'uv' && !existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
      await using repository = makeRepository();
      writeModel(repository, { 'requirements.txt': 'greeting==1.0\n' });
      const caches = {
        UV_CACHE_DIR: process.env['UV_CACHE_DIR'],
        PIP_CACHE_DIR: process.env['PIP_CACHE_DIR'],
      };
      const empty = mkdtempSync(join(scratch, 'empty-'));
      Object.assign(process.env, { UV_CACHE_DIR: empty, PIP_CACHE_DIR: empty });
      t.after(() => Object.assign(process.env, caches));
      await assert.rejects(
        serve(repository, `environment-installer=${installer}`, 'environment-offline=true'),
        new RegExp(
          `model 'm': ${installer} can't install .*requirements\\.txt: .*(?:greeting|numpy).*environment-offline`,
        ),
      );
    },
  );

  test(`${installer} installs what is locked by hashes, and nothing that is not`, LIMIT, async (t) => {
    if (installer === 'uv' && !existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
    await using repository = makeRepository();
    const settings = [`environment-installer=${installer}`, 'environment-locked=true'];
    writeModel(repository, { 'requirements.txt': hashed() });
    {
      await using server = await serve(repository, ...settings);
      assert.deepEqual(await greet(server), ['hello']);
    }
    writeModel(repository, { 'requirements.txt': 'greeting==1.0\n' });
    await assert.rejects(
      serve(repository, ...settings),
      new RegExp(`${installer} can't install .*requirements\\.txt: .*hash.*greeting==1\\.0`, 'i'),
    );
    writeModel(repository, {
      'requirements.txt': hashed((hash) => hash.replace(/^./, (c) => (c === '0' ? '1' : '0'))),
    });
    await assert.rejects(
      serve(repository, ...settings),
      new RegExp(`${installer} can't install .*requirements\\.txt: .*hash.*(?:greeting|numpy)`, 'i'),
    );
  });
}

test('offline, packages come from the cache of uv', LIMIT, async (t) => {
  if (!existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
  await using repository = makeRepository();
  writeModel(repository, { 'requirements.txt': 'greeting==1.0\n' });
  {
    await using server = await serve(repository, 'environment-installer=uv');
    assert.deepEqual(await greet(server), ['hello']);
  }
  offered = [];
  t.after(() => (offered = [wheels]));
  await using server = await serve(repository, 'environment-installer=uv', 'environment-offline=true');
  assert.deepEqual(await greet(server), ['hello']);
  assert.match(server.output(), /making the Python environment/);
});

test('what uv.lock or pylock.toml fixes is installed, whatever has come out since', LIMIT, async (t) => {
  if (!existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
  const files = await lockProject();
  offered = [wheels, newer];
  t.after(() => (offered = [wheels]));
  const pick = (...names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [name, files[name] ?? '']));
  for (const [what, own, said] of [
    ['pyproject.toml', pick('pyproject.toml'), 'hello from 2.0'],
    ['uv.lock', pick('pyproject.toml', 'uv.lock'), 'hello'],
    ['pylock.toml', pick('pyproject.toml', 'pylock.toml'), 'hello'],
  ] as const) {
    await using repository = makeRepository();
    writeModel(repository, own);
    const settings = what === 'pyproject.toml' ? [] : ['environment-locked=true'];
    await using server = await serve(repository, 'environment-installer=uv', ...settings);
    assert.deepEqual(await greet(server), [said], what);
  }
});

test('pip says that it can not read a lock of uv, and what to do', LIMIT, async (t) => {
  if (!existsSync(uv)) return t.skip('there is no uv beside NEREID_PYTHON');
  const files = await lockProject();
  for (const name of ['uv.lock', 'pylock.toml']) {
    await using repository = makeRepository();
    writeModel(repository, { 'pyproject.toml': PROJECT, [name]: files[name] ?? '' });
    await assert.rejects(
      serve(repository, 'environment-installer=pip'),
      new RegExp(
        `pip can't read .*${name.replace('.', '\\.')}.*: install uv, or write a requirements\\.txt with`,
      ),
    );
  }
});
