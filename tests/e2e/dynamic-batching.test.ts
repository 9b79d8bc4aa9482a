import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { makeRepository } from '../server/make-repository.ts';
import { startServer } from '../server/start-server.ts';

const LIMIT = { timeout: 90_000 };
const CLIENTS = 64;
const REQUESTS = 25;

const BATCHED = `
backend: "onnxruntime"
max_batch_size: 32
input [{ name: "A" data_type: TYPE_FP32 dims: [4] }, { name: "B" data_type: TYPE_FP32 dims: [4] }]
output [{ name: "SUM" data_type: TYPE_FP32 dims: [4] }, { name: "DIFFERENCE" data_type: TYPE_FP32 dims: [4] }]
dynamic_batching { max_queue_delay_microseconds: 2000 }
instance_group [{ count: 2 kind: KIND_CPU }]
`;

const STRINGS = `
backend: "onnxruntime"
max_batch_size: 32
input [{ name: "X" data_type: TYPE_STRING dims: [-1] }]
output [{ name: "Y" data_type: TYPE_STRING dims: [-1] }]
dynamic_batching { max_queue_delay_microseconds: 2000 }
`;

test('64 clients at once, batched: every answer is that of the request alone', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('batched', 'add_sub', { 'config.pbtxt': BATCHED });
  await using server = await startServer(repository.path);
  const clients = makeClients(server.http, server.grpc);
  await Promise.all(clients.map((client, number) => sendNumbers(client, number)));
  const [statistics] = (await clients[0]?.modelStatistics('batched')) ?? [];
  assert.equal(Number(statistics?.inference_stats?.success?.count), CLIENTS * REQUESTS);
  assert.ok(
    Number(statistics?.execution_count) < (CLIENTS * REQUESTS) / 2,
    `${statistics?.execution_count} executions of ${CLIENTS * REQUESTS} requests`,
  );
  await Promise.all(clients.map((client) => client.close()));
});

test(
  '64 clients at once, strings of different lengths: every answer is that of the request alone',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.addOnnx('strings', 'identity_bytes', { 'config.pbtxt': STRINGS });
    await using server = await startServer(repository.path);
    const clients = makeClients(server.http, server.grpc);
    await Promise.all(clients.map((client, number) => sendStrings(client, number)));
    await Promise.all(clients.map((client) => client.close()));
  },
);

test('a bad request among good ones fails alone', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('batched', 'add_sub', { 'config.pbtxt': BATCHED });
  await using server = await startServer(repository.path);
  const client = new HttpClient(server.http);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, number) => {
      const length = number % 4 === 3 ? 3 : 4;
      const inputs = ['A', 'B'].map((name) =>
        InferInput.from(name, new Float32Array(length).fill(number), [1, length]),
      );
      return client.infer('batched', inputs).then((result) => result.asNumbers('SUM')[0]);
    }),
  );
  for (const [number, outcome] of outcomes.entries()) {
    if (number % 4 === 3) assert.equal(outcome.status, 'rejected');
    else assert.deepEqual(outcome, { status: 'fulfilled', value: 2 * number });
  }
  await client.close();
});

/** Half of them over HTTP, half over gRPC. */
function makeClients(http: string, grpc: string): readonly InferenceClient[] {
  return Array.from({ length: CLIENTS }, (_, number) =>
    number % 2 === 0 ? new HttpClient(http) : new GrpcClient(grpc),
  );
}

/** Requests of 1 to 3 rows, whose values no other request has. */
async function sendNumbers(client: InferenceClient, number: number): Promise<void> {
  for (let count = 0; count < REQUESTS; count += 1) {
    const rows = 1 + ((number + count) % 3);
    const a = Float32Array.from({ length: rows * 4 }, (_, at) => number * 1000 + count * 16 + at);
    const b = a.map((value) => value / 2);
    const inputs = [InferInput.from('A', a, [rows, 4]), InferInput.from('B', b, [rows, 4])];
    const result = await client.infer('batched', inputs);
    assert.deepEqual(
      result.output('SUM', 'FP32'),
      a.map((value, at) => value + (b[at] ?? 0)),
    );
    assert.deepEqual(result.output('DIFFERENCE', 'FP32'), b);
    assert.deepEqual(result.tensor('SUM').shape, [rows, 4]);
  }
}

async function sendStrings(client: InferenceClient, number: number): Promise<void> {
  for (let count = 0; count < REQUESTS; count += 1) {
    const columns = 1 + (count % 2);
    const texts = Array.from(
      { length: columns },
      (_, at) => `${number}/${count}/${at} ${'ä'.repeat(number % 7)}`,
    );
    const result = await client.infer('strings', [InferInput.from('X', texts, [1, columns])]);
    assert.deepEqual(result.asStrings('Y'), texts);
  }
}
