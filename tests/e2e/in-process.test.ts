import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferInput } from '@nereid/client';
import { createServer, type Server, type ServerOptions } from '@nereid/core';
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';

const LIMIT = { timeout: 60_000 };

function start(repository: TemporaryRepository, options: Partial<ServerOptions> = {}): Promise<Server> {
  return createServer({ modelRepository: [repository.path], logInfo: false, logError: false, ...options });
}

test('a server in this process infers without a port', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  await using server = await start(repository);
  const { outputs } = await server.infer({
    modelName: 'add_sub',
    inputs: [
      InferInput.from('A', Float32Array.of(1, 2, 3, 4), [1, 4]),
      InferInput.from('B', Float32Array.of(1, 1, 1, 1), [1, 4]),
    ],
  });
  assert.deepEqual(numbersOf(outputs, 'SUM'), [2, 3, 4, 5]);
  assert.deepEqual(numbersOf(outputs, 'DIFFERENCE'), [0, 1, 2, 3]);
});

test('only the outputs that are asked for come back', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  await using server = await start(repository);
  const { outputs } = await server.infer({
    modelName: 'add_sub',
    inputs: ['A', 'B'].map((name) => InferInput.from(name, new Float32Array(4), [1, 4])),
    outputs: ['SUM'],
  });
  assert.deepEqual(
    outputs.map(({ name }) => name),
    ['SUM'],
  );
});

test('errors have their code', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  await using server = await start(repository);
  await assert.rejects(server.infer({ modelName: 'nobody', inputs: [] }), isError('NOT_FOUND', /nobody/));
  await assert.rejects(server.infer({ modelName: 'add_sub', inputs: [] }), isError('INVALID_ARG', /add_sub/));
});

test('a request that is aborted fails with CANCELLED, and the server goes on', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 200 }));
  await using server = await start(repository);
  const inputs = [InferInput.from('INPUT0', Int32Array.of(1))];
  const controller = new AbortController();
  const first = server.infer({ modelName: 'slow', inputs });
  const queued = server.infer({ modelName: 'slow', inputs, signal: controller.signal });
  controller.abort();
  await assert.rejects(queued, isError('CANCELLED', /./));
  assert.equal((await first).outputs.length, 1);
});

test('a model that can not be loaded: createServer fails and names it', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('broken', { 'config.pbtxt': '{{{', '1/.keep': '' });
  await assert.rejects(start(repository), isError('INTERNAL', /broken/));
});

test('options that are wrong are refused before anything starts', LIMIT, async () => {
  await using repository = makeRepository();
  await assert.rejects(start(repository, { httpPort: -1 }), isError('INVALID_ARG', /http-?[pP]ort/));
  await assert.rejects(createServer({ modelRepository: [] }), isError('INVALID_ARG', /model-?[rR]epository/));
});

test('two servers live in one process, and close waits for what runs', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 200 }));
  const servers = await Promise.all([start(repository), start(repository)]);
  const inputs = [InferInput.from('INPUT0', Int32Array.of(5))];
  const running = servers.map((server) => server.infer({ modelName: 'slow', inputs }));
  assert.deepEqual(await Promise.all(servers.map((server) => server.close())), [true, true]);
  for (const { outputs } of await Promise.all(running)) assert.equal(outputs[0]?.name, 'OUTPUT0');
  const [first] = servers;
  await assert.rejects(async () => first?.infer({ modelName: 'slow', inputs }), InferenceServerError);
});

function numbersOf(outputs: readonly Tensor[], name: string): readonly number[] {
  const data = outputs.find((output) => output.name === name)?.data ?? new Uint8Array();
  const copy = data.slice();
  return [...new Float32Array(copy.buffer, 0, copy.length / 4)];
}

function isError(code: string, text: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof InferenceServerError && error.code === code && text.test(error.message);
}
