import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import {
  GrpcClient,
  HttpClient,
  InferenceServerError,
  InferInput,
  type InferenceClient,
  type InferResult,
} from '@nereid/client';
import { makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 90_000 };
const CLIENTS_OF_A_KIND = 4;
const FEWEST_REQUESTS = 30;

test('explicit mode: loading again and again under load fails no request', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
  await using server = await startServer(repository.path, '--model-control-mode=explicit', '--load-model=*');
  await using control = disposable(new HttpClient(server.http));
  await using load = startLoad(server);
  for (let round = 1; round <= 10; round += 1) {
    repository.write('model', { 'config.pbtxt': config(round) });
    await control.client.loadModel('model');
    assert.equal(await roundOf(control.client), round);
  }
  assertAllRight(await load.stop());
});

test('explicit mode: instances and versions change in place under load', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
  repository.addVersion('model', 2, 'identity_fp32');
  await using server = await startServer(repository.path, '--model-control-mode=explicit', '--load-model=*');
  await using control = disposable(new HttpClient(server.http));
  await using load = startLoad(server);
  for (let round = 1; round <= 10; round += 1) {
    const policy = round % 2 === 0 ? 'latest {}' : 'all {}';
    const group = `count: ${(round % 3) + 1} kind: KIND_CPU`;
    const changed = `${config(0)} version_policy { ${policy} } instance_group [{ ${group} }]`;
    repository.write('model', { 'config.pbtxt': changed });
    await control.client.loadModel('model');
  }
  const outcome = await load.stop();
  assertAllRight(outcome);
  const [statistics] = await control.client.modelStatistics('model', { modelVersion: '2' });
  assert.equal(Number(statistics?.inference_count), outcome.right, 'version 2 was loaded anew');
});

test('explicit mode: a load that fails leaves the old model serving', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
  await using server = await startServer(repository.path, '--model-control-mode=explicit', '--load-model=*');
  await using control = disposable(new HttpClient(server.http));
  await using load = startLoad(server);
  for (const text of ['{{{', config(1).replace('TYPE_FP32', 'TYPE_INT8')]) {
    repository.write('model', { 'config.pbtxt': text });
    await assert.rejects(control.client.loadModel('model'), /load failed for model 'model'/);
    assert.equal(await roundOf(control.client), 0);
  }
  repository.write('model', { 'config.pbtxt': config(2) });
  await control.client.loadModel('model');
  assert.equal(await roundOf(control.client), 2);
  assertAllRight(await load.stop());
});

test(
  'explicit mode: unloading lets accepted requests end, and later ones fail with NOT_FOUND',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
    await using server = await startServer(
      repository.path,
      '--model-control-mode=explicit',
      '--load-model=*',
    );
    await using control = disposable(new HttpClient(server.http));
    await using load = startLoad(server);
    await setTimeout(100);
    await control.client.unloadModel('model');
    await setTimeout(100);
    const { right, failures } = await load.stop();
    assert.ok(right > 0);
    assert.ok(failures.length > 0);
    for (const failure of failures) assert.match(failure, /^NOT_FOUND: Request for unknown model: 'model'/);
  },
);

test('poll mode: changed configurations and new versions under load fail no request', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
  await using server = await startServer(
    repository.path,
    '--model-control-mode=poll',
    '--repository-poll-secs=1',
  );
  await using control = disposable(new HttpClient(server.http));
  await using load = startLoad(server);
  for (let round = 1; round <= 3; round += 1) {
    repository.write('model', { 'config.pbtxt': config(round) });
    await untilRound(control.client, round);
  }
  repository.addVersion('model', 2, 'identity_fp32');
  await until(async () => (await control.client.modelMetadata('model')).versions?.join() === '2');
  const { versions, ...outcome } = await load.stop();
  assertAllRight(outcome);
  assert.deepEqual([...versions].toSorted(), ['1', '2']);
});

test(
  'poll mode: a broken change keeps the old model; a removed model goes, a new one comes',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.addOnnx('model', 'identity_fp32', { 'config.pbtxt': config(0) });
    repository.addOnnx('leaving', 'add_sub');
    await using server = await startServer(
      repository.path,
      '--model-control-mode=poll',
      '--repository-poll-secs=1',
    );
    await using control = disposable(new HttpClient(server.http));
    await using load = startLoad(server);
    change(repository);
    await until(() => control.client.modelReady('coming'));
    await until(async () => !(await control.client.modelReady('leaving')));
    assert.equal(await roundOf(control.client), 0);
    assertAllRight(await load.stop());
  },
);

function change(repository: TemporaryRepository): void {
  repository.write('model', { 'config.pbtxt': '{{{' });
  repository.remove('leaving');
  repository.addOnnx('coming', 'add_sub');
}

/** A configuration that differs from round to round. */
function config(round: number): string {
  return `
    backend: "onnxruntime"
    max_batch_size: 16
    input [{ name: "X" data_type: TYPE_FP32 dims: [-1] }]
    output [{ name: "Y" data_type: TYPE_FP32 dims: [-1] }]
    parameters { key: "round" value { string_value: "${round}" } }
  `;
}

async function roundOf(client: InferenceClient): Promise<number> {
  const { parameters } = await client.modelConfig('model');
  const text = JSON.stringify(parameters);
  return Number(/"round":\{"string_value":"(\d+)"/.exec(text)?.[1]);
}

function untilRound(client: InferenceClient, round: number): Promise<void> {
  return until(async () => (await roundOf(client)) === round);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await setTimeout(10);
}

/** What became of the requests of a load. */
interface LoadOutcome {
  readonly right: number;
  /** `CODE: text`, or how an answer was wrong. */
  readonly failures: readonly string[];
}

interface Load extends AsyncDisposable {
  stop(): Promise<LoadOutcome & { readonly versions: ReadonlySet<string> }>;
}

/** Sends requests without a pause, over HTTP and gRPC, until it is stopped. */
function startLoad(server: RunningServer): Load {
  const failures: string[] = [];
  const versions = new Set<string>();
  const stopping = new AbortController();
  let right = 0;
  const send = async (client: InferenceClient): Promise<void> => {
    for (let count = 0; count < FEWEST_REQUESTS || !stopping.signal.aborted; count += 1) {
      const values = Float32Array.of(count, count + 0.5, -count);
      try {
        const result = await client.infer('model', [InferInput.from('X', values, [1, 3])]);
        versions.add(result.modelVersion);
        if (isSame(result, values)) right += 1;
        else failures.push(`wrong answer to ${values.join()}`);
      } catch (error) {
        const { code, message } = InferenceServerError.from(error);
        failures.push(`${code}: ${message}`);
      }
    }
    await client.close();
  };
  const clients = Array.from({ length: CLIENTS_OF_A_KIND }, (): InferenceClient[] => [
    new HttpClient(server.http),
    new GrpcClient(server.grpc),
  ]);
  const all = Promise.all(clients.flat().map(send));
  const stop = async () => {
    stopping.abort();
    await all;
    return { right, failures, versions };
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop()) };
}

function isSame(result: InferResult, values: Float32Array): boolean {
  return result.output('Y', 'FP32').every((value, at) => value === values[at]);
}

function assertAllRight({ right, failures }: LoadOutcome): void {
  assert.deepEqual(failures, []);
  assert.ok(right > 100, `only ${right} requests were answered`);
}

function disposable<C extends InferenceClient>(client: C): AsyncDisposable & { readonly client: C } {
  return { client, [Symbol.asyncDispose]: () => client.close() };
}
