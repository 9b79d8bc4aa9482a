import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { makeRepository, sequenceModel } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const IDLE = 'max_sequence_idle_microseconds: 20000000';
const STRATEGIES = { direct: 'direct { }', oldest: 'oldest { max_candidate_sequences: 4 }' };

interface Flags {
  readonly start?: boolean;
  readonly end?: boolean;
}

/** What a step answers. */
interface Step {
  readonly sum: number;
  readonly seen: readonly number[];
  readonly id: bigint;
}

async function step(client: InferenceClient, id: number, value: number, flags: Flags = {}): Promise<Step> {
  const input = InferInput.from('INPUT', Int32Array.of(value), [1, 1]);
  const result = await client.infer('sum', [input], { sequence: { id, ...flags } });
  return {
    sum: result.output('OUTPUT', 'INT32')[0] ?? NaN,
    seen: [...result.output('SEEN', 'INT32')],
    id: result.output('ID', 'INT64')[0] ?? -1n,
  };
}

/** Clients of both protocols, which disposing of it closes. */
function clientsOf(server: RunningServer): AsyncDisposable & { readonly all: readonly InferenceClient[] } {
  const all = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  return {
    all,
    [Symbol.asyncDispose]: async () => {
      await Promise.all(all.map((client) => client.close()));
    },
  };
}

for (const [strategy, text] of Object.entries(STRATEGIES)) {
  test(
    `${strategy}: sequences side by side over HTTP and gRPC keep their own sums and signals`,
    LIMIT,
    async () => {
      await using repository = makeRepository();
      const instances = 'instance_group { count: 2 kind: KIND_CPU }';
      const config = sequenceModel({ batching: `${text} ${IDLE}`, maxBatchSize: 3, more: instances });
      repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': config });
      await using server = await startServer(repository.path);
      await using clients = clientsOf(server);
      const runSequence = async (id: number): Promise<void> => {
        const client = clients.all[id % 2];
        assert.ok(client);
        let sum = 0;
        for (let at = 1; at <= 8; at += 1) {
          sum += id * at;
          const flags = { start: at === 1, end: at === 8 };
          const answer = await step(client, id, id * at, flags);
          assert.deepEqual(answer, {
            sum,
            seen: [Number(flags.start), Number(flags.end), 1],
            id: BigInt(id),
          });
        }
      };
      await Promise.all(Array.from({ length: 24 }, (_, at) => runSequence(at + 1)));
    },
  );
}

test(
  'a sequence that lives through a reload ends on the old version, new ones begin on the new',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    const batching = `${STRATEGIES.oldest} ${IDLE}`;
    repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': sequenceModel({ batching }) });
    await using server = await startServer(
      repository.path,
      '--model-control-mode=explicit',
      '--load-model=*',
    );
    const client = new HttpClient(server.http);
    assert.equal((await step(client, 1, 1, { start: true })).sum, 1);

    const initial = 'initial_state { name: "hundred" data_type: TYPE_INT32 dims: [1] data_file: "hundred" }';
    const changed = sequenceModel({ batching }).replace('output_name: "STATE_OUT"', `$& ${initial}`);
    repository.write('sum', { 'config.pbtxt': changed, 'initial_state/hundred': 'd\0\0\0' });
    await client.loadModel('sum');

    assert.equal((await step(client, 2, 1, { start: true })).sum, 101);
    assert.equal((await step(client, 1, 10)).sum, 11);
    assert.equal((await step(client, 1, 5, { end: true })).sum, 16);
    assert.equal((await step(client, 2, 1, { end: true })).sum, 102);
    await assert.rejects(step(client, 1, 1), /must specify the START flag/);
    assert.equal((await step(client, 1, 1, { start: true, end: true })).sum, 101);
    await client.close();
  },
);

test('a sequence that lives through an unload ends, and none begins', LIMIT, async () => {
  await using repository = makeRepository();
  const config = sequenceModel({ batching: `direct { } ${IDLE}` });
  repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': config });
  await using server = await startServer(repository.path, '--model-control-mode=explicit', '--load-model=*');
  await using clients = clientsOf(server);
  const [http, grpc] = clients.all;
  assert.ok(http && grpc);
  await step(http, 1, 1, { start: true });
  await step(grpc, 2, 2, { start: true });
  await grpc.unloadModel('sum');
  const state = async () => (await grpc.repositoryIndex()).map((entry) => entry.state);
  assert.deepEqual(await state(), ['UNLOADING']);
  const gone = { code: 'NOT_FOUND', message: /'sum' has no available versions/ };
  for (const client of clients.all) {
    await assert.rejects(step(client, 3, 1, { start: true }), gone);
    await assert.rejects(step(client, 4, 1), gone);
  }
  assert.equal((await step(grpc, 1, 5, { end: true })).sum, 6);
  assert.equal((await step(http, 2, 5)).sum, 7);
  assert.equal((await step(http, 2, 5, { end: true })).sum, 12);
  await assert.rejects(step(http, 2, 1), gone);
  while ((await state())[0] === 'UNLOADING');
  assert.deepEqual(await state(), ['UNAVAILABLE']);
});

test('after SIGTERM live sequences go on to their end, and none begins', LIMIT, async () => {
  await using repository = makeRepository();
  const config = sequenceModel({ batching: `direct { } ${IDLE}` });
  repository.addOnnx('sum', 'sequence_sum', { 'config.pbtxt': config });
  await using server = await startServer(repository.path, '--log-verbose=1');
  await using clients = clientsOf(server);
  const [http, grpc] = clients.all;
  assert.ok(http && grpc);
  await step(http, 1, 1, { start: true });
  await step(grpc, 2, 2, { start: true });
  const ended = server.stop();
  await untilRefused(http);
  await assert.rejects(step(grpc, 3, 1, { start: true }), { code: 'UNAVAILABLE', message: /shutting down/ });
  for (const client of [http, grpc]) {
    const refused = { code: 'UNAVAILABLE', message: /Server not ready/ };
    await assert.rejects(client.loadModel('sum'), refused);
    await assert.rejects(client.unloadModel('sum'), refused);
    await assert.rejects(client.repositoryIndex(), refused);
    await assert.rejects(client.serverMetadata(), refused);
    await assert.rejects(client.modelMetadata('sum'), refused);
  }
  assert.equal((await step(grpc, 2, 5)).sum, 7);
  assert.equal((await step(http, 1, 5, { end: true })).sum, 6);
  assert.equal((await step(grpc, 2, 5, { end: true })).sum, 12);
  assert.equal(await ended, 0);
});

/** Begins short sequences until the server takes none. */
async function untilRefused(client: InferenceClient): Promise<void> {
  for (;;) {
    try {
      await step(client, 99, 1, { start: true, end: true });
    } catch (error) {
      assert.match(String(error), /shutting down/);
      return;
    }
  }
}
