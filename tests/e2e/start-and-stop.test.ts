import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  GrpcClient,
  HttpClient,
  InferInput,
  type InferenceClient,
  type InferenceServerError,
} from '@nereid/client';
import { identityModel, makeRepository } from '../server/make-repository.ts';
import { countingModel } from '../server/script-models.ts';
import { runNereid, spawnNereid, startServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000 };
const FREE_PORTS = ['--http-port=0', '--grpc-port=0', '--metrics-port=0'];

test('the command serves, says where, and ends with 0 on SIGTERM and on SIGINT', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    await using server = await startServer(repository.path);
    assert.equal((await fetch(`${server.http}/v2/health/ready`)).status, 200);
    assert.match(await (await fetch(`${server.metrics}/metrics`)).text(), /nv_inference_count/);
    assert.match(server.output(), /\| add_sub +\| 1 +\| READY/);
    assert.doesNotMatch(server.output(), /unrecognized flag/);
    server.process.kill(signal);
    assert.equal(await server.stop(), 0);
  }
});

test('a backend that no model uses and that cannot be imported is told after the start', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('same', identityModel());
  const backends = join(repository.path, '../backends');
  mkdirSync(join(backends, 'broken'), { recursive: true });
  const manifest = { nereid: { backend: { name: 'broken', entry: './main.mjs', sdkVersion: '*' } } };
  writeFileSync(join(backends, 'broken/package.json'), JSON.stringify(manifest));
  writeFileSync(join(backends, 'broken/main.mjs'), `throw new Error('no such library');`);
  await using server = await startServer(repository.path, `--backend-directory=${backends}`);
  await until(async () => /backend 'broken' can't be used: .*no such library/.test(server.output()));
  assert.equal((await fetch(`${server.http}/v2/models/same/ready`)).status, 200);
});

test('a server whose output nobody reads any more goes on serving, and ends', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  await using server = await startServer(repository.path);
  server.process.stdout?.destroy();
  server.process.stderr?.destroy();
  assert.equal(
    (await fetch(`${server.http}/v2/repository/models/add_sub/unload`, { method: 'POST' })).ok,
    false,
  );
  assert.equal((await fetch(`${server.http}/v2/health/ready`)).status, 200);
  const exited = once(server.process, 'exit');
  server.process.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});

test('SIGTERM lets running requests end, over HTTP and gRPC, and refuses new ones', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 700 }));
  await using server = await startServer(repository.path, '--log-verbose=1');
  const inputs = [InferInput.from('INPUT0', Int32Array.of(1, 2, 3))];
  const clients: readonly InferenceClient[] = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  const running = clients.map((client) => client.infer('slow', inputs));
  await untilBusy(server.metrics, 'slow');
  const ended = server.stop();
  await until(async () => server.output().includes('SIGTERM received'));
  await assert.rejects(new HttpClient(server.http).infer('slow', inputs), { name: 'InferenceServerError' });
  for (const result of await Promise.all(running)) {
    assert.deepEqual(result.output('OUTPUT0', 'INT32'), Int32Array.of(1, 2, 3));
  }
  await Promise.all(clients.map((client) => client.close()));
  assert.equal(await ended, 0);
});

test('SIGTERM under load: what a model has executed is answered, over HTTP and gRPC', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('counting', countingModel());
  await using server = await startServer(repository.path);
  let answered = 0;
  const load = async (client: InferenceClient, value: number): Promise<void> => {
    for (;;) {
      const result = await client.infer('counting', [InferInput.from('INPUT0', Int32Array.of(value))]);
      assert.deepEqual(result.output('OUTPUT0', 'INT32'), Int32Array.of(value));
      answered += 1;
    }
  };
  const clients = [new HttpClient(server.http), new GrpcClient(server.grpc)];
  // Each goes on until it is refused.
  const loads = Array.from({ length: 40 }, (_, value) => load(clients[value % 2] as InferenceClient, value));
  const ended = Promise.allSettled(loads);
  await until(() => Promise.resolve(answered > 200));
  assert.equal(await server.stop(), 0);
  for (const outcome of await ended) {
    assert.ok(outcome.status === 'rejected');
    assert.equal((outcome.reason as InferenceServerError).code, 'UNAVAILABLE', String(outcome.reason));
  }
  assert.equal(answered, readFileSync(join(repository.path, 'counting/1/executions')).length);
  await Promise.all(clients.map((client) => client.close()));
});

const DEV_FULL = { ...LIMIT, skip: process.platform !== 'linux' && 'needs /dev/full' };

test(
  'a full disk for log and traces: the server serves, and its lines come to stderr',
  DEV_FULL,
  async () => {
    await using repository = makeRepository();
    repository.write('m', identityModel());
    const traced = ['rate=1', 'level=TIMESTAMPS', 'triton,file=/dev/full', 'triton,log-frequency=0'];
    const flags = traced.map((setting) => `--trace-config=${setting}`);
    await using server = await startServer(repository.path, '--log-file=/dev/full', ...flags);
    const client = new HttpClient(server.http);
    await client.infer('m', [InferInput.from('INPUT0', Int32Array.of(1))]);
    await client.close();
    assert.equal(await server.stop(), 0);
    assert.equal(server.output().match(/cannot write '\/dev\/full' \(--log-file\): .*ENOSPC/g)?.length, 1);
    assert.match(server.output(), /failed to write 1 traces to '\/dev\/full': they are lost/);
  },
);

test('an idle client that keeps its connection does not hold up the end', LIMIT, async () => {
  await using repository = makeRepository();
  repository.addOnnx('add_sub');
  await using server = await startServer(repository.path);
  const client = new HttpClient(server.http);
  await client.serverLive();
  const start = performance.now();
  assert.equal(await server.stop(), 0);
  assert.ok(performance.now() - start < 5000);
  await client.close();
});

test('requests that outlast --exit-timeout-secs are cut off, and the exit status is 1', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('stuck', identityModel({ delayMs: 20_000 }));
  await using server = await startServer(repository.path, '--exit-timeout-secs=1');
  const client = new HttpClient(server.http);
  const inputs = [InferInput.from('INPUT0', Int32Array.of(1))];
  const stuck = Promise.allSettled([client.infer('stuck', inputs), client.infer('stuck', inputs)]);
  await untilBusy(server.metrics, 'stuck');
  const start = performance.now();
  assert.equal(await server.stop(), 1);
  assert.ok(performance.now() - start < 10_000);
  assert.deepEqual(
    (await stuck).map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  await client.close();
});

for (const how of ['--exit-timeout-secs is over', 'it is asked again'] as const) {
  test(`a start that hangs is given up by SIGTERM, and ends when ${how}`, LIMIT, async () => {
    await using repository = makeRepository();
    const model = `import { defineModel } from '@nereid/backend-script';
      console.log('loading for ever');
      export default defineModel({
        config: { input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [1] }], output: [{ name: 'Y', data_type: 'TYPE_INT32', dims: [1] }] },
        load: () => new Promise(() => setInterval(() => {}, 1000)),
      });`;
    repository.write('stuck', { '1/model.ts': model });
    const seconds = how === 'it is asked again' ? 50 : 1;
    const flags = [...FREE_PORTS, `--exit-timeout-secs=${seconds}`];
    const command = spawnNereid(['serve', `--model-repository=${repository.path}`, ...flags]);
    try {
      await until(() => Promise.resolve(command.output().includes('loading for ever')));
      command.process.kill('SIGTERM');
      await until(() =>
        Promise.resolve(command.output().includes('SIGTERM received before the models were')),
      );
      // What comes within a second of the first signal is the same wish.
      while (command.process.exitCode === null && seconds > 1) {
        command.process.kill('SIGTERM');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assert.equal(await command.exitStatus, 1);
    } finally {
      command.process.kill('SIGKILL');
    }
    assert.match(command.output(), /the start did not end in time, exiting immediately/);
  });
}

test('a port in use: one line that names it, exit status 1', LIMIT, async () => {
  await using repository = makeRepository();
  for (const flag of ['http-port', 'grpc-port', 'metrics-port']) {
    const taken = createServer().listen(0, '0.0.0.0');
    await once(taken, 'listening');
    const port = portOf(taken);
    const flags = FREE_PORTS.map((free) => (free.startsWith(`--${flag}=`) ? `--${flag}=${port}` : free));
    const result = await runNereid('serve', `--model-repository=${repository.path}`, ...flags);
    taken.close();
    assert.equal(result.status, 1, result.output);
    assert.match(errorLine(result.output), new RegExp(`${port}`));
  }
});

test('a repository that is not there: one line that names it, exit status 1', LIMIT, async () => {
  const { status, output } = await runNereid('serve', '--model-repository=/no/such/folder', ...FREE_PORTS);
  assert.equal(status, 1);
  assert.match(errorLine(output), /\/no\/such\/folder/);
});

test(
  'a configuration with a mistake: one line that names the model and the place, exit status 1',
  LIMIT,
  async () => {
    await using repository = makeRepository();
    repository.write('broken', { 'config.pbtxt': 'backend: "identity"\nmax_batch_sise: 4\n', '1/.keep': '' });
    const { status, output } = await runNereid(
      'serve',
      `--model-repository=${repository.path}`,
      ...FREE_PORTS,
    );
    assert.equal(status, 1);
    assert.match(errorLine(output), /broken.*max_batch_sise/);
  },
);

test('a configuration with a mistake and --exit-on-error=false: the others are served', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('broken', { 'config.pbtxt': '{{{', '1/.keep': '' });
  repository.addOnnx('add_sub');
  await using server = await startServer(
    repository.path,
    '--exit-on-error=false',
    '--strict-readiness=false',
  );
  const client = new HttpClient(server.http);
  assert.equal(await client.modelReady('add_sub'), true);
  assert.equal(await client.modelReady('broken'), false);
  await client.close();
});

test('command lines that are wrong: one line that says what, exit status 1', LIMIT, async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['serve', '--no-such-flag=1'], /--no-such-flag/],
    [['serve', '--model-repository=.', '--http-prot=1'], /--http-prot.*did you mean --http-port/],
    [['serve', '--model-repository=.', '--http-port=many'], /--http-port.*many/],
    [['serve', '--model-repository=.', '--model-control-mode=sometimes'], /--model-control-mode.*sometimes/],
    [['serve'], /--model-repository/],
    [['serve', '--model-repository=.', '--load-model=x'], /--load-model|explicit/],
    [['dance'], /dance/],
    [['backends', '--nonsense'], /--nonsense/],
  ];
  for (const [args, pattern] of cases) {
    const { status, output } = await runNereid(...args);
    assert.equal(status, 1, `${args.join(' ')}\n${output}`);
    assert.match(errorLine(output), pattern);
  }
});

test('`nereid backends` lists the backends; `--version` and `--help` answer with 0', LIMIT, async () => {
  const backends = await runNereid('backends');
  assert.equal(backends.status, 0);
  assert.match(backends.output, /onnxruntime +\| @nereid\/backend-onnx \d+\.\d+\.\d+ +\|.*OK/);
  assert.match(backends.output, /identity +\| @nereid\/backend-identity \d+\.\d+\.\d+ +\|.*OK/);
  assert.match((await runNereid('--version')).output, /^nereid \d+\.\d+\.\d+\n$/);
  const help = await runNereid('--help');
  assert.deepEqual([help.status, help.output.includes('nereid serve')], [0, true]);
});

/** The one line that tells a failure; there must be no stack trace. */
function errorLine(output: string): string {
  const lines = output.split('\n').filter((line) => line.startsWith('error: '));
  assert.equal(lines.length, 1, output);
  assert.doesNotMatch(output, /^ +at /m);
  return lines[0] ?? '';
}

function portOf(server: Server): number {
  const address = server.address() as AddressInfo;
  return address.port;
}

/** Waits until one request to a model of one instance runs and another waits behind it. */
async function untilBusy(metrics: string, model: string): Promise<void> {
  const pending = new RegExp(`^nv_inference_pending_request_count\\{.*model="${model}".*\\} [1-9]`, 'm');
  await until(async () => pending.test(await (await fetch(`${metrics}/metrics`)).text()));
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
