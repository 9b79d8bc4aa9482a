import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { startRedis, whyNoRedis } from '../../packages/core/test/redis-server.ts';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { runNereid, startServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const CACHE = '--cache-config=local,size=1048576';
const CACHED = identityModel({ more: 'response_cache { enable: true }' });

/** An ensemble that hands its input through the model `inner`. */
const OUTER = `
platform: "ensemble"
input [{ name: "IN" data_type: TYPE_INT32 dims: [-1] }]
output [{ name: "OUT" data_type: TYPE_INT32 dims: [-1] }]
ensemble_scheduling { step [{ model_name: "inner" model_version: -1
  input_map { key: "INPUT0" value: "IN" } output_map { key: "OUTPUT0" value: "OUT" } }] }
response_cache { enable: true }
`;

async function infer(client: InferenceClient, model: string, values: readonly number[], input = 'INPUT0') {
  const result = await client.infer(model, [InferInput.from(input, Int32Array.from(values))]);
  return result.asNumbers(input === 'IN' ? 'OUT' : 'OUTPUT0');
}

/** Executions, successes, hits and misses of a model. */
async function countsOf(client: InferenceClient, model: string): Promise<readonly number[]> {
  const [statistics] = await client.modelStatistics(model);
  const { success, cache_hit: hit, cache_miss: miss } = statistics?.inference_stats ?? {};
  return [statistics?.execution_count, success?.count, hit?.count, miss?.count].map((count) =>
    Number(count ?? 0),
  );
}

async function withServer(
  fill: (repository: TemporaryRepository) => void,
  flags: readonly string[],
  use: (
    http: HttpClient,
    grpc: GrpcClient,
    metrics: () => Promise<string>,
    repository: TemporaryRepository,
  ) => Promise<void>,
): Promise<void> {
  await using repository = makeRepository();
  fill(repository);
  await using server = await startServer(
    repository.path,
    '--model-control-mode=explicit',
    '--load-model=*',
    ...flags,
  );
  const http = new HttpClient(server.http);
  const grpc = new GrpcClient(server.grpc);
  await use(http, grpc, async () => (await fetch(`${server.metrics}/metrics`)).text(), repository);
  await http.close();
  await grpc.close();
}

test(
  'HTTP and gRPC share answers; hits are successes without execution, and have metrics',
  LIMIT,
  async () => {
    await withServer(
      (repository) => repository.write('m', CACHED),
      [CACHE, '--metrics-config=summary_latencies=true'],
      async (http, grpc, metrics) => {
        for (const client of [http, grpc, http]) assert.deepEqual(await infer(client, 'm', [1, 2]), [1, 2]);
        assert.deepEqual(await infer(http, 'm', [3]), [3]);
        assert.deepEqual(await countsOf(grpc, 'm'), [2, 4, 2, 2]);
        const page = await metrics();
        assert.match(page, /^nv_cache_num_hits_per_model\{model="m",version="1"\} 2$/m);
        assert.match(page, /^nv_cache_num_misses_per_model\{model="m",version="1"\} 2$/m);
        assert.match(page, /^nv_cache_hit_summary_per_model_count\{model="m",version="1"\} 2$/m);
        assert.doesNotMatch(page, /^nv_inference_request_summary_us/m);
      },
    );
  },
);

test('a model that changed does not answer with what it said before', LIMIT, async () => {
  await withServer(
    (repository) => repository.write('m', CACHED),
    [CACHE],
    async (http, _grpc, _metrics, repository) => {
      await infer(http, 'm', [1]);
      await http.loadModel('m');
      await infer(http, 'm', [1]);
      assert.deepEqual(await countsOf(http, 'm'), [1, 2, 1, 1]);
      repository.write('m', identityModel({ more: 'response_cache { enable: true } # changed' }));
      await http.loadModel('m');
      await infer(http, 'm', [1]);
      assert.deepEqual(await countsOf(http, 'm'), [1, 1, 0, 1]);
    },
  );
});

test('a hit on an ensemble skips its steps, until one of its models changes', LIMIT, async () => {
  await withServer(
    (repository) => {
      repository.write('inner', identityModel());
      repository.write('outer', { 'config.pbtxt': OUTER, '1/.keep': '' });
    },
    [CACHE],
    async (http, _grpc, _metrics, repository) => {
      for (let round = 0; round < 2; round += 1) assert.deepEqual(await infer(http, 'outer', [4], 'IN'), [4]);
      assert.deepEqual(await countsOf(http, 'inner'), [1, 1, 0, 0]);
      assert.deepEqual((await countsOf(http, 'outer')).slice(1), [2, 1, 1]);
      repository.write('inner', identityModel({ more: '# changed' }));
      await http.loadModel('inner');
      await infer(http, 'outer', [4], 'IN');
      assert.deepEqual(await countsOf(http, 'inner'), [1, 1, 0, 0]);
      assert.deepEqual((await countsOf(http, 'outer')).slice(1), [3, 1, 2]);
    },
  );
});

test('without a cache of the server the setting has no effect, which the log says', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('m', CACHED);
  await using server = await startServer(repository.path);
  const client = new HttpClient(server.http);
  for (let round = 0; round < 2; round += 1) await infer(client, 'm', [1]);
  assert.deepEqual(await countsOf(client, 'm'), [2, 2, 0, 0]);
  assert.doesNotMatch(await (await fetch(`${server.metrics}/metrics`)).text(), /nv_cache/);
  assert.match(server.output(), /responses of model 'm' are not cached: .*--cache-config=local/);
  await client.close();
});

test(
  'servers share what is in Redis, and serve on when it is gone',
  { ...LIMIT, skip: whyNoRedis() ?? false },
  async () => {
    await using repository = makeRepository();
    repository.write('m', CACHED);
    await using redis = await startRedis();
    const flags = ['--cache-config=redis,host=127.0.0.1', `--cache-config=redis,port=${redis.port}`];
    await using one = await startServer(repository.path, ...flags);
    await using two = await startServer(repository.path, ...flags);
    const [first, second] = [new HttpClient(one.http), new HttpClient(two.http)];
    await infer(first, 'm', [1]);
    // The first server does not wait for Redis to have stored it.
    for (let hits = 0; hits === 0; [, , hits = 0] = await countsOf(second, 'm')) {
      assert.deepEqual(await infer(second, 'm', [1]), [1]);
    }
    await redis[Symbol.asyncDispose]();
    assert.deepEqual(await infer(second, 'm', [1]), [1]);
    assert.match(two.output(), /Redis at 127\.0\.0\.1:\d+ fails/);
    await Promise.all([first.close(), second.close()]);
  },
);

test('a cache that can not be used ends the start with the reason', LIMIT, async () => {
  await using repository = makeRepository();
  const start = (...flags: readonly string[]) =>
    runNereid('serve', `--model-repository=${repository.path}`, ...flags);
  const redis = await start('--cache-config=redis,host=127.0.0.1', '--cache-config=redis,port=1');
  assert.equal(redis.status, 1);
  assert.match(redis.output, /can't use Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/);
  assert.match(
    (await start('--cache-config=disk,size=1')).output,
    /expected cache local or redis, found 'disk'/,
  );
});
