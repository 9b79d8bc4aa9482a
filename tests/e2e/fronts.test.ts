/** Threads in front of the serving thread (`--front-threads`): clients see no difference, and lose no more than one of them. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { createServer } from '@nereid/core';
import { collect } from '../server/collect.ts';
import { identityModel, makeRepository, type TemporaryRepository } from '../server/make-repository.ts';
import { repeatModel, untilCancelledModel } from '../server/script-models.ts';
import { spawnNereid, startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000, skip: process.platform !== 'linux' && 'needs ports that threads can share' };
const FRONTS = '--front-threads=2';
const CONNECTIONS = 32;

interface TraceRecord {
  readonly model_name?: string;
  readonly request_id?: string;
  readonly timestamps?: readonly { readonly name: string; readonly ns: number }[];
}

describe('two fronts', LIMIT, () => {
  let repository: TemporaryRepository;
  let server: RunningServer;
  const clients: InferenceClient[] = [];

  before(async () => {
    repository = makeRepository();
    repository.write('identity', identityModel());
    repository.write('hold', untilCancelledModel());
    repository.write('repeat', repeatModel());
    server = await startServer(repository.path, FRONTS, '--model-control-mode=explicit', '--load-model=*');
    clients.push(new HttpClient(server.http), new GrpcClient(server.grpc));
  });

  after(async () => {
    for (const client of clients) await client.close();
    await server[Symbol.asyncDispose]();
    await repository[Symbol.asyncDispose]();
  });

  test('each of many connections gets its own answers', async () => {
    const connections = Array.from({ length: CONNECTIONS }, (_, at) =>
      at % 2 === 0 ? new HttpClient(server.http) : new GrpcClient(server.grpc),
    );
    const answers = await Promise.all(
      connections.map(async (client, at) => {
        const seen: number[] = [];
        for (let round = 0; round < 20; round += 1) {
          const result = await client.infer('identity', [int32('INPUT0', 1000 * at + round)]);
          seen.push(...result.asNumbers('OUTPUT0'));
        }
        await client.close();
        return seen;
      }),
    );
    answers.forEach((seen, at) =>
      assert.deepEqual(
        seen,
        Array.from({ length: 20 }, (_, round) => 1000 * at + round),
      ),
    );
  });

  test('a large body arrives whole, and so does its answer', async () => {
    const values = Int32Array.from({ length: 4_000_000 }, (_, at) => at);
    for (const client of clients) {
      const result = await client.infer('identity', [InferInput.from('INPUT0', values)]);
      assert.deepEqual(result.output('OUTPUT0', 'INT32'), values);
    }
  });

  test('errors keep their codes and texts', async () => {
    for (const client of clients) {
      await assert.rejects(client.infer('nobody', []), {
        code: 'NOT_FOUND',
        message: /'nobody' is not found/,
      });
      const refused = { code: 'INVALID_ARG', message: /unexpected inference input 'WRONG'/ };
      await assert.rejects(client.infer('identity', [int32('WRONG', 1)]), refused);
      await assert.rejects(client.loadModel('nobody'), { message: /'nobody'/ });
    }
  });

  test('a request that is refused on its way to events is no event', async () => {
    const response = await fetch(`${server.http}/v2/models/repeat/infer`, {
      method: 'POST',
      headers: { Accept: 'text/event-stream' },
      body: JSON.stringify({ inputs: [{ name: 'WRONG', datatype: 'INT32', shape: [1], data: [1] }] }),
    });
    assert.equal(response.status, 400);
    assert.equal(response.headers.get('content-type'), 'application/json');
    assert.match(await response.text(), /^\{"error":".*WRONG/);
  });

  test('the answers of a decoupled model come in order, over HTTP and gRPC', async () => {
    const inputs = [int32('TOKEN', 7), int32('COUNT', 50)];
    const [http, grpc] = [new HttpClient(server.http), new GrpcClient(server.grpc)];
    const events = await collect(http.inferResponses('repeat', inputs));
    const streamed = await collect(grpc.inferStream([{ modelName: 'repeat', inputs }]));
    const messages = streamed.flatMap((response) => ('result' in response ? [response.result] : []));
    for (const results of [events, messages]) {
      assert.deepEqual(
        results.flatMap((result) => result?.asNumbers('INDEX') ?? []),
        [...new Array(50).keys()],
      );
    }
    await http.close();
    await grpc.close();
  });

  test('a client that leaves cancels its request', async () => {
    for (const client of clients) {
      const controller = new AbortController();
      const answer = client.infer('hold', [int32('HOLD', 1)], { signal: controller.signal });
      answer.catch(() => undefined);
      await until(async () => (await valueOf(client, 'RUNNING')) === 1);
      controller.abort();
      await until(async () => (await valueOf(client, 'RUNNING')) === 0);
    }
    assert.equal(await valueOf(clients[0], 'CANCELLED'), 2);
  });

  test('what one connection loads or unloads all others see at once', async () => {
    const others = Array.from({ length: 8 }, () => new HttpClient(server.http));
    for (let round = 0; round < 10; round += 1) {
      await clients[0]?.unloadModel('identity');
      for (const other of others) {
        await assert.rejects(other.infer('identity', [int32('INPUT0', round)]), { code: /NOT_FOUND/ });
      }
      await clients[1]?.loadModel('identity');
      for (const other of others) {
        const result = await other.infer('identity', [int32('INPUT0', round)]);
        assert.deepEqual(result.asNumbers('OUTPUT0'), [round]);
      }
    }
    for (const other of others) await other.close();
  });

  test('statistics, settings and the metrics page are those of one server', async () => {
    const before = await counts(server);
    for (const client of clients) await client.infer('identity', [int32('INPUT0', 1)]);
    const after = await counts(server);
    assert.equal(after.metric - before.metric, 2);
    assert.equal(after.statistics - before.statistics, 2);
    const [http, grpc] = [new HttpClient(server.http), new GrpcClient(server.grpc)];
    await http.updateLogSettings({ log_verbose_level: 1 });
    assert.equal((await grpc.logSettings()).log_verbose_level, 1);
    await fetch(`${server.http}/v2/models/identity/ready`);
    await until(async () => server.output().includes('HTTP request: GET /v2/models/identity/ready'));
    await http.updateLogSettings({ log_verbose_level: 0 });
    await http.close();
    await grpc.close();
  });
});

test('a trace has the moments of the front and of the serving thread, by one clock', LIMIT, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'nereid-fronts-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'trace.json');
  await using repository = makeRepository();
  repository.write('identity', identityModel());
  const settings = ['level=TIMESTAMPS', 'rate=2', `triton,file=${file}`];
  const server = await startServer(
    repository.path,
    FRONTS,
    ...settings.map((setting) => `--trace-config=${setting}`),
  );
  // Of four requests on several connections each second one is traced: they are counted in one place.
  for (const client of [server.http, server.http].map((url) => new HttpClient(url))) {
    await client.infer('identity', [int32('INPUT0', 1)]);
    await assert.rejects(client.infer('identity', [int32('WRONG', 1)]));
    await client.close();
  }
  const grpc = new GrpcClient(server.grpc);
  await grpc.infer('identity', [int32('INPUT0', 1)], { requestId: 'quiet' });
  await grpc.infer('identity', [int32('INPUT0', 1)], { requestId: 'seen' });
  await grpc.close();
  await server.stop();
  const records = JSON.parse(readFileSync(file, 'utf8')) as TraceRecord[];
  const last = records.filter(({ timestamps }) => timestamps !== undefined).at(-1)?.timestamps ?? [];
  assert.equal(records.filter(({ model_name }) => model_name !== undefined).length, 3);
  assert.equal(records.find(({ request_id }) => request_id !== undefined)?.request_id, 'seen');
  const moments = last.map(({ name }) => name).filter((name) => /^GRPC|^REQUEST|^INFER/.test(name));
  assert.deepEqual(moments, [
    'GRPC_WAITREAD_START',
    'GRPC_WAITREAD_END',
    'REQUEST_START',
    'REQUEST_END',
    'INFER_RESPONSE_COMPLETE',
    'GRPC_SEND_START',
    'GRPC_SEND_END',
  ]);
  const times = last.filter(({ name }) => moments.includes(name)).map(({ ns }) => ns);
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
});

test('restricted APIs need their header in front, too', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('identity', identityModel());
  await using server = await startServer(
    repository.path,
    FRONTS,
    '--http-restricted-api=metadata:key=secret',
  );
  assert.equal((await fetch(`${server.http}/v2`)).status, 403);
  assert.equal((await fetch(`${server.http}/v2`, { headers: { key: 'secret' } })).status, 200);
  assert.equal((await fetch(`${server.http}/v2/health/ready`)).status, 200);
});

test('a certificate that is none is told at the start', LIMIT, async () => {
  await using repository = makeRepository();
  const flags = ['--grpc-use-ssl=true', '--grpc-server-cert=/dev/null', '--grpc-server-key=/dev/null'];
  const server = spawnNereid(['serve', `--model-repository=${repository.path}`, FRONTS, ...flags]);
  assert.equal(await server.exitStatus, 1);
  assert.match(server.output(), /cannot use --grpc-server-cert '\/dev\/null'/);
});

test('fronts end what runs before the server stops', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 500 }));
  const server = await startServer(repository.path, FRONTS, '--log-verbose=1');
  const client = new HttpClient(server.http);
  const answer = client.infer('slow', [int32('INPUT0', 5)]);
  await until(async () => server.output().includes('HTTP request: POST /v2/models/slow/infer'));
  const status = server.stop();
  assert.deepEqual((await answer).asNumbers('OUTPUT0'), [5]);
  assert.equal(await status, 0);
  await client.close();
});

test('a port that another server has, with fronts or without, is refused', LIMIT, async () => {
  await using repository = makeRepository();
  repository.write('identity', identityModel());
  await using server = await startServer(repository.path, FRONTS);
  const port = new URL(server.http).port;
  const flags = ['--grpc-port=0', '--metrics-port=0', `--http-port=${port}`, FRONTS];
  const second = spawnNereid(['serve', `--model-repository=${repository.path}`, ...flags]);
  assert.equal(await second.exitStatus, 1);
  assert.match(second.output(), new RegExp(`cannot listen for HTTP on 0.0.0.0:${port}: .*EADDRINUSE`));
});

test(
  'a front that dies takes only its own connections along, and another takes its place',
  LIMIT,
  async () => {
    const fronts: Worker[] = [];
    const note = (worker: Worker): void => {
      if (worker.threadName === 'front') fronts.push(worker);
    };
    process.on('worker', note);
    await using repository = makeRepository();
    repository.write('identity', identityModel());
    repository.write('hold', untilCancelledModel());
    await using server = await createServer({
      modelRepository: [repository.path],
      ...{ httpPort: 0, grpcPort: 0, metricsPort: 0, frontThreads: 2, logInfo: false, logError: false },
    });
    const { http: port = 0 } = await server.listen();
    assert.equal(fronts.length, 2);
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'));
    for (const socket of sockets) socket.on('error', () => undefined);
    for (const socket of sockets) assert.match(await live(socket), /^HTTP\/1.1 200/);
    const body = JSON.stringify({ inputs: [{ name: 'HOLD', datatype: 'INT32', shape: [1], data: [1] }] });
    await fronts[0]?.terminate();
    const survivors = await survivorsOf(sockets);
    assert.ok(survivors.length > 0 && survivors.length < CONNECTIONS, `${survivors.length} survived`);
    await until(async () => fronts.length === 3);
    for (const socket of survivors) assert.match(await live(socket), /^HTTP\/1.1 200/);
    for (const socket of sockets) socket.destroy();
    const holding = await untilConnected(port);
    holding.write(
      `POST /v2/models/hold/infer HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await until(async () => (await holdCount(server))['RUNNING'] === 1);
    // Whichever has the connection: what it asked for is cancelled.
    for (const front of fronts.slice(1)) await front.terminate();
    await until(async () => (await holdCount(server))['RUNNING'] === 0);
    assert.equal((await holdCount(server))['CANCELLED'], 1);
    (await untilConnected(port)).destroy();
    process.off('worker', note);
  },
);

type InProcess = Awaited<ReturnType<typeof createServer>>;

async function holdCount(server: InProcess): Promise<Record<string, number | undefined>> {
  const { outputs } = await server.infer({ modelName: 'hold', inputs: [int32('HOLD', 0)] });
  return Object.fromEntries(outputs.map(({ name, data }) => [name, Buffer.from(data).readInt32LE()]));
}

async function live(socket: Socket): Promise<string> {
  socket.write('GET /v2/health/live HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  return answer.toString();
}

/** The connections that still answer; those of a dead front are closed, or reset when something is written to them. */
async function survivorsOf(sockets: readonly Socket[]): Promise<Socket[]> {
  const alive: Socket[] = [];
  for (const socket of sockets) {
    if (socket.destroyed) continue;
    const isLost = new Promise<false>((resolve) => socket.once('close', () => resolve(false)));
    const isAnswered = live(socket).then(
      () => true,
      () => false,
    );
    if (await Promise.race([isLost, isAnswered])) alive.push(socket);
  }
  return alive;
}

/** Connects as soon as somebody listens there. */
async function untilConnected(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).on('error', () => resolve(false));
    });
    if (isOpen) return socket;
  }
}

async function counts(server: RunningServer): Promise<{ metric: number; statistics: number }> {
  const page = await (await fetch(`${server.metrics}/metrics`)).text();
  const metric = /nv_inference_count\{model="identity",version="1"\} (\d+)/.exec(page)?.[1];
  const client = new HttpClient(server.http);
  const [model] = await client.modelStatistics('identity');
  await client.close();
  return { metric: Number(metric), statistics: Number(model?.inference_count) };
}

async function valueOf(client: InferenceClient | undefined, output: string): Promise<number> {
  const result = await client?.infer('hold', [int32('HOLD', 0)]);
  return result?.asNumbers(output)[0] ?? -1;
}

function int32(name: string, value: number): InferInput {
  return InferInput.from(name, Int32Array.of(value), [1]);
}

/** Asks again and again; the limit of the test is the limit of the wait. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise(setImmediate);
}
