/** Ensembles of models in TypeScript, served for real. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferInput } from '@nereid/client';
import { createServer, type Server } from '@nereid/core';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';

const LIMIT = { timeout: 60_000 };
const INT = 'data_type: TYPE_INT32 dims: [1]';

/** Yields the numbers below N as fast as it is asked for them, and tells how many those were. */
const COUNTER = `
export default {
  config: {
    input: [{ name: 'N', data_type: 'TYPE_INT32', dims: [1] }],
    output: [{ name: 'OUT', data_type: 'TYPE_INT32', dims: [1] }],
    model_transaction_policy: { decoupled: true },
  },
  async *execute(request) {
    const [n] = request.input('N').values('INT32');
    for (globalThis.counted = 0; globalThis.counted < n; globalThis.counted += 1)
      yield { outputs: { OUT: [globalThis.counted] } };
  },
};
`;

/** How far the counter is ahead of what arrives here. */
const LAG = `
export default {
  config: {
    input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }],
    output: [{ name: 'LAG', data_type: 'TYPE_INT32', dims: [1] }],
  },
  async execute(request) {
    const [x] = request.input('X').values('INT32');
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    return { outputs: { LAG: [globalThis.counted - x] } };
  },
};
`;

function ensembleOf(outputs: string, scheduling: string, more = ''): string {
  return `platform: "ensemble"
    input { name: "N" ${INT} }
    output { name: "${outputs}" ${INT} }
    ensemble_scheduling { ${scheduling} }
    ${more}`;
}

const COUNT = `step { model_name: "counter" model_version: -1
  input_map { key: "N" value: "N" } output_map { key: "OUT" value: "count" } }`;
const MEASURE = `step { model_name: "lag" model_version: -1
  input_map { key: "X" value: "count" } output_map { key: "LAG" value: "lag" } }`;

function start(repository: TemporaryRepository): Promise<Server> {
  return createServer({ modelRepository: [repository.path], logInfo: false, logError: false });
}

function addModels(repository: TemporaryRepository, ensemble: string): void {
  repository.write('counter', { '1/model.ts': COUNTER });
  repository.write('lag', { '1/model.ts': LAG });
  repository.write('ensemble', { 'config.pbtxt': ensemble, '1/.keep': '' });
}

async function numbers(server: Server, modelName: string, n: number): Promise<number[]> {
  const found: number[] = [];
  const inputs = [InferInput.from('N', Int32Array.of(n), [1])];
  for await (const { outputs } of server.inferStream({ modelName, inputs }))
    for (const { data } of outputs) found.push(new DataView(data.buffer, data.byteOffset).getInt32(0, true));
  return found;
}

test('max_inflight_requests keeps a generator from running ahead', LIMIT, async () => {
  await using repository = makeRepository();
  addModels(repository, ensembleOf('lag', `max_inflight_requests: 2 ${COUNT} ${MEASURE}`));
  await using server = await start(repository);
  const lags = await numbers(server, 'ensemble', 100);
  assert.equal(lags.length, 100);
  assert.ok(Math.max(...lags) <= 4, `ran ahead by ${Math.max(...lags)}`);
});

test('a generator does not run ahead without max_inflight_requests either', LIMIT, async () => {
  await using repository = makeRepository();
  addModels(repository, ensembleOf('lag', `${COUNT} ${MEASURE}`));
  await using server = await start(repository);
  const lags = await numbers(server, 'ensemble', 1000);
  assert.equal(lags.length, 1000);
  assert.ok(Math.max(...lags) <= 17, `ran ahead by ${Math.max(...lags)}`);
});

test('an early end stops a generator', LIMIT, async () => {
  await using repository = makeRepository();
  const end = 'parameters { key: "end.when" value { string_value: "count == 3" } }';
  addModels(repository, ensembleOf('count', COUNT, end));
  await using server = await start(repository);
  assert.deepEqual(await numbers(server, 'ensemble', 1_000_000), [0, 1, 2, 3]);
});

test('an ensemble of an ensemble with a decoupled step answers as often', LIMIT, async () => {
  await using repository = makeRepository();
  addModels(repository, ensembleOf('count', COUNT));
  const nested = `step { model_name: "ensemble" model_version: -1
    input_map { key: "N" value: "N" } output_map { key: "count" value: "out" } }`;
  repository.write('outer', { 'config.pbtxt': ensembleOf('out', nested), '1/.keep': '' });
  await using server = await start(repository);
  assert.deepEqual(await numbers(server, 'outer', 3), [0, 1, 2]);
});

test('a step can name a version; one that is not there is refused with its place', LIMIT, async () => {
  await using repository = makeRepository();
  addModels(repository, ensembleOf('count', COUNT.replace('model_version: -1', 'model_version: 7')));
  await assert.rejects(start(repository), {
    message:
      /ensemble\/config\.pbtxt:\d+:\d+: ensemble 'ensemble' depends on 'counter' whose required version 7 is not loaded; loaded: 1/,
  });
});

test(
  'the steps see the tensors of an ensemble in the shapes of its reshape, clients in those of its dims',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.write('shape', {
      '1/model.ts': `export default {
      config: {
        input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [4] }],
        output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [4] }],
      },
      execute: (request) => ({ outputs: { Y: [...request.input('X').values('INT32')].reverse() } }),
    };`,
    });
    const table = 'data_type: TYPE_INT32 dims: [2, 2] reshape { shape: [4] }';
    const ensemble = `platform: "ensemble"
    input { name: "IN" ${table} }
    output { name: "OUT" ${table} }
    ensemble_scheduling { step { model_name: "shape" model_version: -1
      input_map { key: "X" value: "IN" } output_map { key: "Y" value: "OUT" } } }`;
    repository.write('ensemble', { 'config.pbtxt': ensemble, '1/.keep': '' });
    await using server = await start(repository);
    const inputs = [InferInput.from('IN', Int32Array.of(1, 2, 3, 4), [2, 2])];
    const { outputs } = await server.infer({ modelName: 'ensemble', inputs });
    assert.deepEqual(
      outputs.map(({ shape, data }) => [shape, [...new Int32Array(Uint8Array.from(data).buffer)]]),
      [
        [
          [2, 2],
          [4, 3, 2, 1],
        ],
      ],
    );
  },
);
