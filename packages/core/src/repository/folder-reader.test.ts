import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDirectReader, queuedReader } from './folder-reader.ts';

const HERE = import.meta.dirname;

test('reads directly while the file system is fast', () => {
  const reader = createDirectReader(() => 0);
  for (let call = 0; call < 1000; call += 1) assert.ok(!(reader.stat(HERE) instanceof Promise));
  assert.ok(!(reader.readdir(HERE) instanceof Promise));
  assert.ok(!(reader.readText(import.meta.filename) instanceof Promise));
});

test('goes on in other threads when the file system is slow', async () => {
  let time = 0;
  const reader = createDirectReader(() => (time += 5));
  assert.ok(!(reader.stat(HERE) instanceof Promise));
  for (let call = 0; call < 20; call += 1) await reader.stat(HERE);
  const queued = reader.stat(HERE);
  assert.ok(queued instanceof Promise);
  assert.ok((await queued).isDirectory());
});

test('forgives a call that takes long', () => {
  const times = [0, 15];
  const reader = createDirectReader(() => times.shift() ?? 15);
  void reader.stat(HERE);
  assert.ok(!(reader.stat(HERE) instanceof Promise));
});

test('reads the same either way', async () => {
  const direct = createDirectReader();
  assert.deepEqual(await queuedReader.readdir(HERE), direct.readdir(HERE));
  assert.equal(await queuedReader.readText(import.meta.filename), direct.readText(import.meta.filename));
  assert.throws(() => direct.stat(`${HERE}/absent`), { code: 'ENOENT' });
  await assert.rejects(async () => queuedReader.stat(`${HERE}/absent`), { code: 'ENOENT' });
});
