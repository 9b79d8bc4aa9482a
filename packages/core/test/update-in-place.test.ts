/** Changes that need no reload (SCH-37), on a real repository with the identity backend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/server.ts';
import { fp32 } from './build-request.ts';

const CONFIG = `backend: "identity" max_batch_size: 8
  input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
  output [ { name: "X_OUT" data_type: TYPE_FP32 dims: [ -1 ] } ]`;

let repository = '';
let server: Server;

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
  await write('1/weights', 'one');
  await write('2/weights', 'two');
  await configure('version_policy { all {} }');
  server = await createServer({
    modelRepository: [repository],
    modelControlMode: 'explicit',
    loadModel: ['m'],
    logError: false,
    logInfo: false,
  });
});

afterEach(async () => {
  await server.close();
  await rm(repository, { recursive: true });
});

async function write(path: string, text: string): Promise<void> {
  const file = join(repository, 'm', path);
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, text);
}

const configure = (more: string): Promise<void> => write('config.pbtxt', `${CONFIG} ${more}`);
const load = (): Promise<void> => server.management.loadModel('m', {});
const infer = (version = '') =>
  server.infer({ modelName: 'm', modelVersion: version, inputs: [fp32('X', [1, 2], [1, 2])] });

/** Requests that each version has answered: they are counted from its load on. */
function answered(): Record<string, number> {
  const entries = server.management.statistics('m', '');
  return Object.fromEntries(entries.map(({ version, inference_count }) => [version, inference_count]));
}

test('more and fewer instances, and what the configuration then says', async () => {
  await infer();
  for (const count of [4, 2, 3]) {
    await configure(`version_policy { all {} } instance_group [ { count: ${count} kind: KIND_CPU } ]`);
    await load();
    assert.equal(server.management.modelConfig('m', '').instance_group[0]?.count, count);
    await infer();
  }
  assert.deepEqual(answered(), { 1: 0, 2: 4 });
});

test('a change of instances under load fails no request and forgets none', async () => {
  let isOver = false;
  let sent = 0;
  const clients = Array.from({ length: 8 }, async () => {
    while (!isOver) {
      sent += 1;
      await infer();
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  for (let round = 0; round < 20; round += 1) {
    const group = `name: "g${round % 2}" count: ${(round % 5) + 1} kind: KIND_CPU`;
    await configure(`version_policy { all {} } instance_group [ { ${group} } ]`);
    await load();
  }
  isOver = true;
  await Promise.all(clients);
  assert.equal(answered()['2'], sent);
});

test('a version policy loads and unloads versions without touching those that stay', async () => {
  await infer('2');
  await configure('version_policy { specific { versions: [ 2 ] } }');
  await load();
  assert.deepEqual(answered(), { 2: 1 });
  await assert.rejects(infer('1'), { message: /'m' version 1 is not/ });
  await configure('version_policy { all {} }');
  await load();
  await infer('1');
  assert.deepEqual(answered(), { 1: 1, 2: 1 });
});

test('a new version, or a changed one, is loaded alone', async () => {
  await infer('1');
  await infer('2');
  await write('3/weights', 'three');
  await load();
  assert.deepEqual(answered(), { 1: 1, 2: 1, 3: 0 });
  await write('2/weights', 'another two');
  await load();
  assert.deepEqual(answered(), { 1: 1, 2: 0, 3: 0 });
});

test('anything else loads the model anew', async () => {
  for (const change of [
    () => configure('version_policy { all {} } parameters { key: "p" value { string_value: "v" } }'),
    () => write('labels.txt', 'cat'),
  ]) {
    await infer('2');
    await change();
    await load();
    assert.deepEqual(answered(), { 1: 0, 2: 0 });
  }
});

test('a configuration of the load call changes instances in place, too', async () => {
  await infer('2');
  const config = server.management.modelConfigJson('m', '');
  const group = { name: 'm', count: 3, kind: 'KIND_CPU' };
  await server.management.loadModel('m', { config: JSON.stringify({ ...config, instance_group: [group] }) });
  assert.equal(server.management.modelConfig('m', '').instance_group[0]?.count, 3);
  assert.deepEqual(answered(), { 1: 0, 2: 1 });
});
