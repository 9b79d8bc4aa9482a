import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { BackendRegistry } from './backend-registry.ts';
import { discoverExtensions } from './discover-extensions.ts';

const FOLDER = mkdtempSync(join(tmpdir(), 'nereid-backends-'));
after(() => rmSync(FOLDER, { recursive: true }));

/** A runtime that makes backends with the name and the greeting of their manifest. */
const RUNTIME = `export default {
  name: 'polyglot', instanceHost: 'in-process', createModel() {},
  createBackend: ({ name, directory, manifest }) =>
    ({ name, instanceHost: 'in-process', platform: manifest.greeting ?? directory, createModel() {} }),
};`;
const LONER = `export default { name: 'loner', instanceHost: 'in-process', createModel() {} };`;

let folders = 0;

/** Writes a `--backend-directory` and opens what is found in it. */
async function open(
  files: Readonly<Record<string, string | object>>,
  settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {},
): Promise<BackendRegistry> {
  const directory = join(FOLDER, String(folders++));
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    const manifest = { type: 'module', nereid: { backend: content } };
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(manifest));
  }
  return BackendRegistry.open(discoverExtensions([], [directory]).backends, settings);
}

const POLYGLOT = {
  'polyglot/package.json': {
    name: 'polyglot',
    entry: './main.js',
    sdkVersion: '*',
    runtimeFile: 'model.abc',
  },
  'polyglot/main.js': RUNTIME,
};

test('a manifest that names a runtime is made into a backend by it', async () => {
  const registry = await open({
    ...POLYGLOT,
    'own/package.json': { name: 'own', runtime: 'polyglot', greeting: 'hello' },
  });
  const { backend, source } = registry.get('own');
  assert.equal(backend.platform, 'hello');
  assert.equal(source.entry, registry.get('polyglot').source.entry);
});

test("a folder without a manifest is a backend when it has a runtime's file", async () => {
  const registry = await open({ ...POLYGLOT, 'plain/model.abc': '', 'other/readme.md': '' });
  assert.deepEqual(
    registry.status().map(({ manifest }) => manifest.name),
    ['plain', 'polyglot'],
  );
  assert.match(registry.get('plain').backend.platform ?? '', /plain$/);
});

test('a backend has the settings of its runtime, and its own before them', async () => {
  const settings = { '': { a: '1' }, polyglot: { a: '2', b: '2' }, plain: { b: '3' } };
  const registry = await open({ ...POLYGLOT, 'plain/model.abc': '' }, settings);
  assert.deepEqual(registry.get('plain').settings, { a: '2', b: '3' });
  assert.deepEqual(registry.get('polyglot').settings, { a: '2', b: '2' });
});

const STRICT = {
  'strict/package.json': { name: 'strict', entry: './main.js', sdkVersion: '*' },
  'strict/main.js': `export default { name: 'strict', instanceHost: 'in-process', createModel() {},
    settings: { threads: { type: 'integer', minimum: 1 } } };`,
};

test('a backend that declares its settings takes those for all backends that it does not have', async () => {
  const registry = await open(STRICT, { '': { other: 'x' }, strict: { threads: '2' } });
  assert.deepEqual(registry.get('strict').settings, { other: 'x', threads: '2' });
});

test('a setting that a backend does not have, or a wrong value, makes it unusable with the reason', async () => {
  for (const [settings, message] of [
    [
      { strict: { thread: '2' } },
      "backend 'strict' has no setting 'thread' (--backend-config=strict,thread=…): it has threads; did you mean 'threads'?",
    ],
    [
      { strict: { threads: 'many' } },
      "backend 'strict', setting 'threads': expected an integer of at least 1, found 'many'",
    ],
    [
      { '': { threads: '0' } },
      "backend 'strict', setting 'threads': expected an integer of at least 1, found '0'",
    ],
  ] as const) {
    const registry = await open(STRICT, settings);
    assert.throws(() => registry.get('strict'), { code: 'INVALID_ARG', message });
  }
});

test('a runtime that is not installed is named', async () => {
  const registry = await open({ 'own/package.json': { name: 'own', runtime: 'cobol' } });
  assert.throws(() => registry.get('own'), {
    code: 'INVALID_ARG',
    message: /^backend 'own' \(.*own\) needs backend 'cobol' as its runtime, which is not installed/,
  });
});

test('a backend that is no runtime is named', async () => {
  const registry = await open({
    'loner/package.json': { name: 'loner', entry: './main.js', sdkVersion: '*' },
    'loner/main.js': LONER,
    'own/package.json': { name: 'own', runtime: 'loner' },
  });
  assert.throws(() => registry.get('own'), {
    code: 'INVALID_ARG',
    message: "backend 'own' names 'loner' as its runtime, which runs no other backends",
  });
});

test('a runtime made for another SDK takes its backends along', async () => {
  const registry = await open({
    ...POLYGLOT,
    'polyglot/package.json': { ...POLYGLOT['polyglot/package.json'], sdkVersion: '^99.0.0' },
    'plain/model.abc': '',
  });
  assert.throws(() => registry.get('plain'), {
    code: 'UNSUPPORTED',
    message: /needs Backend SDK \^99\.0\.0/,
  });
});
