import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { obtainEnvironment, type CacheRequest } from './environment-cache.ts';

const never = new AbortController().signal;

/** Fills an environment. */
function fill(directory: string): void {
  mkdirSync(join(directory, 'bin'));
  writeFileSync(join(directory, 'bin/python'), '');
}

/** A cache that counts what is built. */
function makeCache(t: TestContext) {
  const parent = mkdtempSync(join(tmpdir(), 'nereid-cache-'));
  t.after(() => rmSync(parent, { recursive: true }));
  const cache = join(parent, 'not-there-yet');
  const built: string[] = [];
  const obtain = (key: string, more: Partial<CacheRequest> = {}): Promise<string> =>
    obtainEnvironment({
      cache,
      key,
      signal: never,
      onWait: () => undefined,
      build: async (directory) => {
        built.push(directory);
        fill(directory);
      },
      ...more,
    });
  const folders = (): readonly string[] =>
    readdirSync(cache, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
  return { cache, built, obtain, folders };
}

test('an environment is built once', async (t) => {
  const { built, obtain } = makeCache(t);
  const first = await obtain('a');
  assert.equal(await obtain('a'), first);
  assert.notEqual(await obtain('b'), first);
  assert.equal(built.length, 2);
});

test('who asks while it is being built waits, is told so once, and gets the same', async (t) => {
  const { built, obtain } = makeCache(t);
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
  const first = obtain('a', {
    build: (directory) => {
      built.push(directory);
      fill(directory);
      begin();
      return mayEnd;
    },
  });
  await hasBegun;
  let waits = 0;
  const second = obtain('a', {
    onWait: () => {
      waits += 1;
      end();
    },
  });
  assert.equal(await first, await second);
  assert.deepEqual([built.length, waits], [1, 1]);
});

test('a build that fails leaves nothing behind, and the next one is tried', async (t) => {
  const { obtain, folders } = makeCache(t);
  const failing = obtain('a', {
    build: async (directory) => {
      writeFileSync(join(directory, 'half'), '');
      throw new Error('no such package');
    },
  });
  await assert.rejects(failing, /no such package/);
  assert.deepEqual(folders(), []);
  assert.ok(existsSync(join(await obtain('a'), 'bin/python')));
});

test('who waits goes when the signal aborts', async (t) => {
  const { obtain } = makeCache(t);
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>();
  const { promise: hasBegun, resolve: begin } = Promise.withResolvers<void>();
  const first = obtain('a', { build: () => (begin(), mayEnd) });
  await hasBegun;
  const stopping = new AbortController();
  const onWait = (): void => stopping.abort(new Error('the server is stopping'));
  await assert.rejects(obtain('a', { signal: stopping.signal, onWait }), /the server is stopping/);
  end();
  await first;
});

test('an environment whose folder was removed is built again', async (t) => {
  const { obtain, built } = makeCache(t);
  rmSync(await obtain('a'), { recursive: true });
  await obtain('a');
  assert.equal(built.length, 2);
});

test('an environment that has lost its Python is built again', async (t) => {
  const { obtain, built, folders } = makeCache(t);
  rmSync(join(await obtain('a'), 'bin/python'));
  const again = await obtain('a');
  assert.equal(built.length, 2);
  assert.deepEqual(folders(), [basename(again)]);
});

test('a disk that is full says which setting names another', async (t) => {
  const { obtain, folders } = makeCache(t);
  const full = Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
  await assert.rejects(obtain('a', { build: () => Promise.reject(full) }), {
    code: 'UNAVAILABLE',
    message: /can't be written \(ENOSPC: no space .*--backend-config=python,environment-cache=<folder>/,
  });
  assert.deepEqual(folders(), []);
});

test('what a killed server left is removed: of the same environment at once, of others after a day', async (t) => {
  const { cache, obtain, folders } = makeCache(t);
  const kept = await obtain('b');
  for (const name of ['a-half', 'c-old', 'c-new', 'unknown']) mkdirSync(join(cache, name));
  utimesSync(join(cache, 'c-old'), 0, 0);
  utimesSync(kept, 0, 0);
  const made = await obtain('a');
  assert.deepEqual([...folders()].sort(), [basename(made), basename(kept), 'c-new', 'unknown'].sort());
});

test('a cache that can not be written says which setting names another', async (t) => {
  const { obtain, cache } = makeCache(t);
  writeFileSync(cache, '');
  await assert.rejects(obtain('a', { cache: join(cache, 'in-a-file') }), {
    code: 'UNAVAILABLE',
    message: /can't be written \(ENOTDIR.*--backend-config=python,environment-cache=<folder>/,
  });
});
