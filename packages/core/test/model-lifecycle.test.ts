/** Loading, reloading and unloading, on a real repository with the identity backend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { InferenceServerError } from '@nereid/protocol';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/server.ts';
import { fp32 } from './build-request.ts';

const CONFIG = `backend: "identity" max_batch_size: 8
  input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
  output [ { name: "X_OUT" data_type: TYPE_FP32 dims: [ -1 ] } ]`;

const ENSEMBLE = `platform: "ensemble" max_batch_size: 8
  input [ { name: "IN" data_type: TYPE_FP32 dims: [ -1 ] } ]
  output [ { name: "OUT" data_type: TYPE_FP32 dims: [ -1 ] } ]
  ensemble_scheduling { step [
    { model_name: "a" model_version: -1 input_map { key: "X" value: "IN" } output_map { key: "X_OUT" value: "mid" } },
    { model_name: "b" model_version: -1 input_map { key: "X" value: "mid" } output_map { key: "X_OUT" value: "OUT" } } ] }`;

let repository = '';
const add = async (name: string, config = CONFIG, versions: readonly number[] = [1]): Promise<void> => {
  for (const version of versions) await mkdir(join(repository, name, String(version)), { recursive: true });
  await writeFile(join(repository, name, 'config.pbtxt'), config);
};
const infer = (server: Server, modelName: string, input = 'X') =>
  server.infer({ modelName, inputs: [fp32(input, [1, 2], [1, 2])] });
const states = async (server: Server, name: string): Promise<string[]> =>
  (await server.management.repositoryIndex(false))
    .filter((entry) => entry.name === name)
    .map(({ version, state, reason }) => [version, state, reason].filter(Boolean).join(' '));

describe('models in explicit mode', () => {
  let server: Server;
  before(async () => {
    repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    await add('a');
    await add('b');
    await add('chain', ENSEMBLE);
    server = await createServer({
      modelRepository: [repository],
      modelControlMode: 'explicit',
      logError: false,
      logInfo: false,
    });
  });
  after(async () => {
    await server.close();
    await rm(repository, { recursive: true });
  });

  test('a model is unknown until it is loaded, and again after it was unloaded', async () => {
    assert.deepEqual(await states(server, 'a'), ['']);
    await assert.rejects(infer(server, 'a'), {
      code: 'NOT_FOUND',
      message: /unknown model: 'a' is not found/,
    });
    await server.management.loadModel('a', {});
    assert.equal((await infer(server, 'a')).outputs[0]?.name, 'X_OUT');
    assert.deepEqual(await states(server, 'a'), ['1 READY']);
    await server.management.unloadModel('a', false);
    await assert.rejects(infer(server, 'a'), { code: 'NOT_FOUND', message: /'a' has no available versions/ });
    await until(async () => (await states(server, 'a')).join() === '1 UNAVAILABLE unloaded');
  });

  test('a broken configuration is refused with its place, in the answer and in the index', async () => {
    await add('typo', 'backend: "identity"\nmax_batchsize: 8\n');
    await assert.rejects(server.management.loadModel('typo', {}), {
      code: 'INVALID_ARG',
      message: /typo\/config\.pbtxt:2:1: .*'max_batchsize'.*did you mean 'max_batch_size'/,
    });
    assert.match((await states(server, 'typo')).join(), /UNAVAILABLE typo\/config\.pbtxt:2:1/);
    assert.equal(server.health.ready(), false);
    await server.management.unloadModel('typo', false);
    assert.equal(server.health.ready(), true);
  });

  test('a reload that fails leaves the old version serving', async () => {
    await add('keeps');
    await server.management.loadModel('keeps', {});
    await add(
      'keeps',
      `${CONFIG} response_cache { enable: true } model_transaction_policy { decoupled: true }`,
    );
    await assert.rejects(server.management.loadModel('keeps', {}), { code: 'INVALID_ARG' });
    assert.equal((await infer(server, 'keeps')).outputs.length, 1);
    assert.deepEqual(await states(server, 'keeps'), ['1 READY']);
  });

  test('reloads do not fail a single request', async () => {
    await add('hot');
    await server.management.loadModel('hot', {});
    let isOver = false;
    let answered = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        await infer(server, 'hot');
        answered += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
    for (let round = 0; round < 10; round += 1) {
      await add('hot', `${CONFIG} parameters { key: "round" value { string_value: "${round}" } }`, [
        round + 1,
      ]);
      await server.management.loadModel('hot', {});
    }
    isOver = true;
    await Promise.all(clients);
    assert.ok(answered > 10);
    assert.equal(server.inference.getModel('hot', '').version, '10');
  });

  test('a load override serves until a plain load', async () => {
    const config =
      '{"backend":"identity","input":[{"name":"Z","data_type":"TYPE_FP32","dims":[1,2]}],"output":[{"name":"Z_OUT","data_type":"TYPE_FP32","dims":[1,2]}]}';
    await server.management.loadModel('a', { config });
    assert.equal((await infer(server, 'a', 'Z')).outputs[0]?.name, 'Z_OUT');
    await server.management.loadModel('a', {});
    assert.equal((await infer(server, 'a')).outputs[0]?.name, 'X_OUT');
    await server.management.unloadModel('a', false);
  });

  test('files of a load call may not leave the folder', async () => {
    const files = new Map([['../../evil', new Uint8Array(1)]]);
    await assert.rejects(server.management.loadModel('new', { config: '{"backend":"identity"}', files }), {
      code: 'INVALID_ARG',
      message: /'\.\.\/\.\.\/evil'.*names no file inside/,
    });
  });

  test('a file of a load call that has no possible name is refused without a word about where files lie', async () => {
    for (const path of ['1/\0', `1/${'a'.repeat(300)}`]) {
      const files = new Map([[path, new Uint8Array(1)]]);
      const load = server.management.loadModel('new', { config: '{"backend":"identity"}', files });
      await assert.rejects(load, ({ code, message }: InferenceServerError) => {
        assert.equal(code, 'INVALID_ARG');
        assert.ok(!message.includes(tmpdir()), message);
        return true;
      });
    }
    await server.management.unloadModel('new', false);
  });

  test('a name that is too long for a folder is that of no model, and leaves the server ready', async () => {
    await assert.rejects(server.management.loadModel('a'.repeat(300), {}), {
      code: 'INTERNAL',
      message: /failed to poll from model repository$/,
    });
    assert.equal(server.health.ready(), true);
  });

  test('an ensemble brings its models along, and takes them away when asked to', async () => {
    await server.management.loadModel('chain', {});
    const { outputs } = await infer(server, 'chain', 'IN');
    assert.deepEqual(
      outputs.map(({ name, shape }) => [name, shape]),
      [['OUT', [1, 2]]],
    );
    await server.management.unloadModel('chain', true);
    for (const name of ['chain', 'a', 'b']) await assert.rejects(infer(server, name), { code: 'NOT_FOUND' });
  });

  test('an ensemble becomes unavailable with the reason when one of its models is unloaded', async () => {
    await server.management.loadModel('chain', {});
    await server.management.unloadModel('b', false);
    assert.match((await states(server, 'chain')).join(), /depends on 'b' which has no loaded version/);
    await server.management.unloadModel('chain', true);
  });

  test('an ensemble of models that nobody knows stays a mere name in the index when a client loads it', async () => {
    await add('unknown', ENSEMBLE.replaceAll('"b"', '"nowhere"'));
    await assert.rejects(server.management.loadModel('unknown', {}), { message: /nowhere/ });
    assert.deepEqual(await states(server, 'unknown'), ['']);
    assert.equal(server.health.ready(), false);
    await server.management.unloadModel('unknown', false);
  });

  test('an ensemble that contains itself is refused', async () => {
    await add('circle', ENSEMBLE.replaceAll('"a"', '"circle"'));
    await assert.rejects(server.management.loadModel('circle', {}), { message: /circular dependency/ });
    await server.management.unloadModel('circle', false);
  });

  test('ensembles that name each other are refused, also when they are loaded at the same time', async () => {
    await add('egg', ENSEMBLE.replaceAll('"a"', '"hen"'));
    await add('hen', ENSEMBLE.replaceAll('"a"', '"egg"'));
    const loads = ['egg', 'hen'].map((name) => server.management.loadModel(name, {}));
    for (const load of await Promise.allSettled(loads)) {
      assert.ok(load.status === 'rejected');
      assert.match(
        String(load.reason),
        /circular dependency between ensembles: (egg -> hen -> egg|hen -> egg -> hen)/,
      );
    }
    for (const name of ['egg', 'hen']) {
      assert.match((await states(server, name)).join(), /UNAVAILABLE .*circular dependency/);
      await server.management.unloadModel(name, false);
    }
  });

  test('concurrent loads of one model are one load', async () => {
    await add('once');
    await Promise.all(Array.from({ length: 5 }, () => server.management.loadModel('once', {})));
    assert.deepEqual(await states(server, 'once'), ['1 READY']);
  });

  test('a backend that is not installed is named', async () => {
    await add('other', 'backend: "nosuch"');
    await assert.rejects(server.management.loadModel('other', {}), {
      message: /unable to find backend 'nosuch'.*Install/,
    });
    await server.management.unloadModel('other', false);
  });
});

describe('control modes', () => {
  before(async () => {
    repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    await add('a');
  });
  after(() => rm(repository, { recursive: true }));
  const options = () => ({
    modelRepository: [repository],
    logError: false,
    logInfo: false,
    logWarning: false,
  });

  test('everything is loaded at start in mode none, and load calls are refused', async (t) => {
    const server = await createServer(options());
    t.after(() => server.close());
    assert.deepEqual(await states(server, 'a'), ['1 READY']);
    await assert.rejects(server.management.loadModel('a', {}), { code: 'UNAVAILABLE' });
  });

  test('a model that can not be loaded ends the start, unless that is allowed', async (t) => {
    await add('bad', 'backend: "identity" max_batch_size: -1');
    await assert.rejects(createServer(options()), { message: /load failed for model 'bad'.*max_batch_size/ });
    const server = await createServer({ ...options(), exitOnError: false });
    t.after(() => server.close());
    assert.equal(server.health.ready(), false);
    await rm(join(repository, 'bad'), { recursive: true });
  });

  test('an ensemble of models that nobody knows is a mere name in the index after the start, too', async (t) => {
    await add('unknown', ENSEMBLE.replaceAll('"b"', '"nowhere"'));
    const server = await createServer({ ...options(), exitOnError: false });
    t.after(() => server.close());
    assert.deepEqual(await states(server, 'unknown'), ['']);
    await rm(join(repository, 'unknown'), { recursive: true });
  });

  test('an unload that ends an ensemble is no error in the log; a reload that does is one', async (t) => {
    const models = await mkdtemp(join(tmpdir(), 'nereid-test-'));
    t.after(() => rm(models, { recursive: true }));
    const logFile = join(models, 'server.log');
    await add('b');
    await add('chain', ENSEMBLE);
    const explicit = { modelControlMode: 'explicit', loadModel: ['chain'], logFile } as const;
    const server = await createServer({ modelRepository: [repository], logInfo: false, ...explicit });
    t.after(() => server.close());
    const levels = async (): Promise<string[]> =>
      [...(await readFile(logFile, 'utf8')).matchAll(/^(\w).*ensemble 'chain' is unavailable/gm)].map(
        ([, level = '']) => level,
      );
    await server.management.unloadModel('b', false);
    assert.deepEqual(await levels(), ['W']);
    await server.management.loadModel('chain', {});
    await add('b', CONFIG.replaceAll('FP32', 'INT32'));
    await server.management.loadModel('b', {});
    assert.deepEqual(await levels(), ['W', 'E']);
    await rm(join(repository, 'b'), { recursive: true });
    await rm(join(repository, 'chain'), { recursive: true });
  });

  test('a model whose backend is not installed is left out, unless backends are required', async (t) => {
    await add('other', 'backend: "nosuch"');
    const server = await createServer(options());
    t.after(() => server.close());
    assert.match((await states(server, 'other')).join(), /UNAVAILABLE backend 'nosuch' is not installed/);
    assert.equal(server.health.ready(), true);
    await assert.rejects(createServer({ ...options(), requireBackends: true }), { message: /nosuch/ });
    await rm(join(repository, 'other'), { recursive: true });
  });

  test('polling applies what was added, changed and removed', async (t) => {
    const server = await createServer({
      ...options(),
      modelControlMode: 'poll',
      repositoryPollSecs: 1,
    });
    t.after(() => server.close());
    await add('late');
    await until(async () => (await states(server, 'late')).join() === '1 READY');
    await add('late', CONFIG, [2]);
    await until(async () => (await states(server, 'late')).includes('2 READY'));
    await rm(join(repository, 'late'), { recursive: true });
    await until(() =>
      infer(server, 'late').then(
        () => false,
        ({ code }) => code === 'NOT_FOUND',
      ),
    );
    assert.deepEqual(await states(server, 'late'), []);
  });

  test('a repository that can not be read is named', async () => {
    await assert.rejects(createServer({ ...options(), modelRepository: [join(repository, 'none')] }), {
      code: 'UNAVAILABLE',
      message: /model repository '.*none' can't be read: No such file/,
    });
  });

  test('closing lets running requests end', async () => {
    await add('slow', `${CONFIG} parameters { key: "execute_delay_ms" value { string_value: "100" } }`);
    const server = await createServer(options());
    const running = infer(server, 'slow');
    assert.equal(await server.close(), true);
    assert.equal((await running).outputs.length, 1);
  });
});

/** Waits for a condition, at most five seconds. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 250; tries += 1) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail('condition was not reached');
}
