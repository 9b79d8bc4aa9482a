/** What becomes of sequences when their model is unloaded, with the identity backend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/server.ts';
import { fp32 } from './build-request.ts';

const CONFIG = `backend: "identity" max_batch_size: 4
  input [ { name: "X" data_type: TYPE_FP32 dims: [ 1 ] } ]
  output [ { name: "X_OUT" data_type: TYPE_FP32 dims: [ 1 ] } ]
  sequence_batching { max_sequence_idle_microseconds: 3600000000 direct {} }`;

const GONE = { code: 'NOT_FOUND', message: /unknown model: 'm' has no available versions/ };

/** Does something with a server whose unloaded sequences may go on for that long. */
async function withServer(exitTimeoutSecs: number, act: (server: Server) => Promise<void>): Promise<void> {
  const repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
  await mkdir(join(repository, 'm', '1'), { recursive: true });
  await writeFile(join(repository, 'm', 'config.pbtxt'), CONFIG);
  const server = await createServer({
    modelRepository: [repository],
    modelControlMode: 'explicit',
    loadModel: ['m'],
    exitTimeoutSecs,
    logError: false,
    logInfo: false,
    logWarning: false,
  });
  try {
    await act(server);
  } finally {
    await server.close();
    await rm(repository, { recursive: true });
  }
}

function step(server: Server, id: number, flags: { start?: boolean; end?: boolean } = {}) {
  const sequence = { id, start: false, end: false, ...flags };
  return server.infer({ modelName: 'm', inputs: [fp32('X', [1, 1], [1])], sequence });
}

const stateOf = async (server: Server) => (await server.management.repositoryIndex(false))[0]?.state;

test('a sequence goes on after the unload; the version is gone when it has ended', () =>
  withServer(30, async (server) => {
    await step(server, 1, { start: true });
    await server.management.unloadModel('m', false);
    assert.equal(await stateOf(server), 'UNLOADING');
    await step(server, 1);
    await assert.rejects(step(server, 2, { start: true }), GONE);
    await assert.rejects(server.infer({ modelName: 'm', inputs: [fp32('X', [1, 1], [1])] }), GONE);
    await step(server, 1, { end: true });
    await assert.rejects(step(server, 1), GONE);
    while ((await stateOf(server)) === 'UNLOADING') await nextTurn();
    assert.equal(await stateOf(server), 'UNAVAILABLE');
  }));

test('a sequence that goes on for too long is cut short, and its client is told that the model is gone', () =>
  withServer(0, async (server) => {
    await step(server, 1, { start: true });
    await server.management.unloadModel('m', false);
    while ((await stateOf(server)) === 'UNLOADING') await nextTurn();
    await assert.rejects(step(server, 1), GONE);
  }));

test('a model that is loaded again takes new sequences, while the old ones end where they began', () =>
  withServer(30, async (server) => {
    await step(server, 1, { start: true });
    await server.management.unloadModel('m', false);
    await server.management.loadModel('m', {});
    await step(server, 2, { start: true, end: true });
    await step(server, 1, { end: true });
    await assert.rejects(step(server, 1), /START flag/);
  }));
