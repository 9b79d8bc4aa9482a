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
  const { backend, source } = await registry.get('own');
  assert.equal(backend.platform, 'hello');
  assert.equal(source.entry, (await registry.get('polyglot')).source.entry);
});

test("a folder without a manifest is a backend when it has a runtime's file", async () => {
  const registry = await open({ ...POLYGLOT, 'plain/model.abc': '', 'other/readme.md': '' });
  assert.deepEqual(
    registry.status().map(({ manifest }) => manifest.name),
    ['plain', 'polyglot'],
  );
  assert.match((await registry.get('plain')).backend.platform ?? '', /plain$/);
});

test('a backend has the settings of its runtime, and its own before them', async () => {
  const settings = { '': { a: '1' }, polyglot: { a: '2', b: '2' }, plain: { b: '3' } };
  const registry = await open({ ...POLYGLOT, 'plain/model.abc': '' }, settings);
  assert.deepEqual((await registry.get('plain')).settings, { a: '2', b: '3' });
  assert.deepEqual((await registry.get('polyglot')).settings, { a: '2', b: '2' });
});

const STRICT = {
  'strict/package.json': { name: 'strict', entry: './main.js', sdkVersion: '*' },
  'strict/main.js': `export default { name: 'strict', instanceHost: 'in-process', createModel() {},
    settings: { threads: { type: 'integer', minimum: 1 } } };`,
};

test('a backend that declares its settings takes those for all backends that it does not have', async () => {
  const registry = await open(STRICT, { '': { other: 'x' }, strict: { threads: '2' } });
  assert.deepEqual((await registry.get('strict')).settings, { other: 'x', threads: '2' });
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
    await assert.rejects(registry.get('strict'), { code: 'INVALID_ARG', message });
  }
});

test('a runtime that is not installed is named', async () => {
  const registry = await open({ 'own/package.json': { name: 'own', runtime: 'cobol' } });
  await assert.rejects(registry.get('own'), {
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
  await assert.rejects(registry.get('own'), {
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
  await assert.rejects(registry.get('plain'), {
    code: 'UNSUPPORTED',
    message: /needs Backend SDK \^99\.0\.0/,
  });
});

/** A backend whose module fails when it is imported. */
const FAILING = {
  'failing/package.json': { name: 'failing', entry: './main.js', sdkVersion: '*' },
  'failing/main.js': `throw new Error('no such library');`,
};

test('a backend is imported when it is asked for', async () => {
  const registry = await open({ ...FAILING, ...STRICT });
  const problems = (): readonly unknown[] => registry.status().map(({ problem }) => problem?.message);
  assert.deepEqual(problems(), [undefined, undefined]);
  assert.deepEqual(registry.status()[1]?.settings, {});
  assert.equal((await registry.find('strict'))?.backend.name, 'strict');
  assert.deepEqual(Object.keys(registry.status()[1]?.settings ?? {}), ['threads']);
  assert.deepEqual(problems(), [undefined, undefined]);
  assert.equal(await registry.find('failing'), undefined);
  assert.match(String(problems()[0]), /^backend module .*main\.js can't be loaded: no such library$/);
  await assert.rejects(registry.get('failing'), { code: 'INTERNAL', message: String(problems()[0]) });
});

test('all of them are imported at once, those that fail beside the others', async () => {
  const registry = await open({ ...FAILING, ...STRICT, ...POLYGLOT });
  const usable = await registry.loadAll();
  assert.deepEqual(
    usable.map(({ manifest }) => manifest.name),
    ['polyglot', 'strict'],
  );
  assert.match(registry.status()[0]?.problem?.message ?? '', /no such library/);
});

test('settings for a backend have it imported, to be checked', async () => {
  const registry = await open(STRICT, { strict: { threads: 'many' } });
  assert.match(
    registry.status()[0]?.problem?.message ?? '',
    /expected an integer of at least 1, found 'many'/,
  );
});

test('a backend without its module is told before anybody asks for it', async () => {
  const { 'failing/package.json': manifest } = FAILING;
  const registry = await open({ 'failing/package.json': manifest });
  assert.match(
    registry.status()[0]?.problem?.message ?? '',
    /^backend module .*main\.js can't be loaded: Cannot find/,
  );
});

test('a backend that nobody provides is told with those that can be used', async () => {
  const registry = await open({
    ...STRICT,
    'own/package.json': { name: 'own', runtime: 'cobol' },
  });
  await assert.rejects(registry.get('other'), {
    code: 'INVALID_ARG',
    message: /^unable to find backend 'other': no installed package provides it \(installed: strict\)/,
  });
});
