/** Shared memory between a client and the command: what it saves, and what a client can't break. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync, truncateSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { GrpcClient, HttpClient, InferInput, type InferenceClient } from '@nereid/client';
import { createServer } from '@nereid/core';
import { loadSharedMemory, type SharedMemory, type SharedMemoryRegion } from '@nereid/shared-memory';
import { identityModel, makeRepository } from '../server/make-repository.ts';
import { startServer, type RunningServer } from '../server/start-server.ts';

const LIMIT = { timeout: 60_000, skip: process.platform !== 'linux' && 'looks into /dev/shm and /proc' };
const PAGE = 4096;
const KINDS = ['http', 'grpc'] as const;

interface Fixture {
  readonly server: RunningServer;
  client(kind: (typeof KINDS)[number]): InferenceClient;
  /** A new object, gone after the test. */
  create(byteSize: number): OwnObject;
}

interface OwnObject {
  readonly key: string;
  readonly own: SharedMemoryRegion;
}

async function setUp(t: TestContext, ...flags: readonly string[]): Promise<Fixture> {
  const repository = makeRepository();
  repository.addOnnx('add_sub');
  repository.addOnnx('identity_fp32');
  const server = await startServer(repository.path, ...flags);
  t.after(async () => {
    await server.stop();
    await repository[Symbol.asyncDispose]();
  });
  const memory = loadSharedMemory();
  return {
    server,
    client: (kind) => {
      const client = kind === 'http' ? new HttpClient(server.http) : new GrpcClient(server.grpc);
      t.after(() => client.close());
      return client;
    },
    create: (byteSize) => createObject(t, memory, byteSize),
  };
}

function createObject(t: TestContext, memory: SharedMemory, byteSize: number): OwnObject {
  const key = `/nereid-e2e-${randomUUID().slice(0, 8)}`;
  const own = memory.create(key, byteSize);
  t.after(() => {
    own.close();
    memory.unlink(key);
  });
  return { key, own };
}

function floats(region: SharedMemoryRegion, offset: number, count: number): Float32Array {
  const { buffer, byteOffset } = region.bytes(offset, 4 * count);
  return new Float32Array(buffer, byteOffset, count);
}

for (const kind of KINDS) {
  test(`${kind}: inputs are read from a region and outputs written to it`, LIMIT, async (t) => {
    const { client: connect, create } = await setUp(t, '--allow-client-shm=true');
    const client = connect(kind);
    const { key, own } = create(2 * PAGE);
    floats(own, PAGE, 8).set([1, 2, 3, 4, 10, 20, 30, 40]);
    await client.registerSystemSharedMemory({ name: 'r', key, byteSize: PAGE, offset: PAGE });
    const place = (offset: number) => ({ region: 'r', byteSize: 16, offset });
    const result = await client.infer(
      'add_sub',
      [
        InferInput.fromSharedMemory('A', 'FP32', [1, 4], place(0)),
        InferInput.fromSharedMemory('B', 'FP32', [1, 4], place(16)),
      ],
      { outputs: [{ name: 'SUM', sharedMemory: place(32) }, 'DIFFERENCE'] },
    );
    assert.deepEqual([...floats(own, PAGE + 32, 4)], [11, 22, 33, 44]);
    assert.equal(result.tensor('SUM').data.length, 0);
    assert.deepEqual(result.asNumbers('DIFFERENCE'), [-9, -18, -27, -36]);
    await client.unregisterSystemSharedMemory('r');
    assert.deepEqual(await client.systemSharedMemoryStatus(), []);
  });
}

test('it is off by default, and says how to turn it on', LIMIT, async (t) => {
  const { client: connect, create } = await setUp(t);
  const { key } = create(64);
  for (const kind of KINDS) {
    const client = connect(kind);
    const refused = { code: 'UNSUPPORTED', message: /--allow-client-shm=true/ };
    await assert.rejects(client.registerSystemSharedMemory({ name: 'r', key, byteSize: 64 }), refused);
    await assert.rejects(client.unregisterSystemSharedMemory(), refused);
    assert.deepEqual(await client.systemSharedMemoryStatus(), []);
  }
});

test('an unregistered region lives until the requests that use it have ended', LIMIT, async (t) => {
  const repository = makeRepository();
  repository.write('slow', identityModel({ delayMs: 100 }));
  // In this process a request is on its way when `infer` returns.
  const server = await createServer({
    modelRepository: [repository.path],
    allowClientShm: true,
    logInfo: false,
  });
  t.after(async () => {
    await server.close();
    await repository[Symbol.asyncDispose]();
  });
  const { management } = server;
  const { key, own } = createObject(t, loadSharedMemory(), 64);
  own.bytes().set([42]);
  management.registerSystemSharedMemory({ name: 'r', key, offset: 0, byteSize: 64 });
  const place = (offset: number) => ({ region: 'r', byteSize: 4, offset });
  const request = {
    modelName: 'slow',
    inputs: [InferInput.fromSharedMemory('INPUT0', 'INT32', [1], place(0))],
    outputs: [{ name: 'OUTPUT0', classification: 0, binaryData: false, sharedMemory: place(32) }],
  };
  const running = server.infer(request);
  management.unregisterSystemSharedMemory('r');
  assert.equal(management.systemSharedMemoryStatus('').length, 1);
  await assert.rejects(server.infer(request), { code: 'NOT_FOUND' });
  await running;
  assert.equal(own.bytes()[32], 42);
  assert.deepEqual(management.systemSharedMemoryStatus(''), []);
  assert.equal(mappingsOf(process.pid, key), 1);
});

test('a client that shrinks its object gets errors, the server goes on', LIMIT, async (t) => {
  const { client: connect, create } = await setUp(t, '--allow-client-shm=true');
  const client = connect('grpc');
  const byteSize = 1 << 20;
  const ref = (offset: number) => ({ region: 'r', byteSize, offset });
  const outcomes = new Set<string>();
  for (let round = 0; round < 20; round += 1) {
    const { key, own } = create(2 * byteSize);
    own.bytes().fill(1);
    await client.registerSystemSharedMemory({ name: 'r', key, byteSize: 2 * byteSize });
    const requests = ['identity_fp32', 'identity_fp32', 'identity_fp32', 'identity_fp32'].map((model) =>
      client
        .infer(model, [InferInput.fromSharedMemory('X', 'FP32', [1, byteSize / 4], ref(0))], {
          outputs: [{ name: 'Y', sharedMemory: ref(byteSize) }],
        })
        .then(
          () => 'answered',
          (error: Error) => (/has lost memory/.test(error.message) ? 'lost' : error.message),
        ),
    );
    if (round % 2 === 0) await Promise.race(requests);
    truncateSync(`/dev/shm${key}`, PAGE);
    for (const outcome of await Promise.all(requests)) outcomes.add(outcome);
    await client.unregisterSystemSharedMemory('r');
  }
  assert.ok(outcomes.has('lost'));
  outcomes.delete('answered');
  assert.deepEqual([...outcomes], ['lost']);
  assert.equal(await client.serverReady(), true);
});

test('many regions come and go without a trace', LIMIT, async (t) => {
  const { server, client: connect, create } = await setUp(t, '--allow-client-shm=true');
  const client = connect('http');
  const { key } = create(PAGE);
  const place = { region: 'r', byteSize: 16, offset: 0 };
  const cycle = async (): Promise<void> => {
    await client.registerSystemSharedMemory({ name: 'r', key, byteSize: PAGE });
    await client.infer('add_sub', [
      InferInput.fromSharedMemory('A', 'FP32', [1, 4], place),
      InferInput.fromSharedMemory('B', 'FP32', [1, 4], place),
    ]);
    await client.unregisterSystemSharedMemory('r');
  };
  for (let round = 0; round < 200; round += 1) await cycle();
  const { pid } = server.process;
  // Of the serving thread, and of the executor threads, which hear of it a moment later.
  for (let look = 0; mappingsOf(pid, key) + descriptorsOf(pid, key) > 0; look += 1) {
    assert.ok(look < 1000, `${mappingsOf(pid, key)} mappings, ${descriptorsOf(pid, key)} descriptors`);
    await client.serverLive();
  }
});

function mappingsOf(pid: number | undefined, key: string): number {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').split(`/dev/shm${key}`).length - 1;
}

function descriptorsOf(pid: number | undefined, key: string): number {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder).filter((fd) => {
    try {
      return readlinkSync(`${folder}/${fd}`) === `/dev/shm${key}`;
    } catch {
      // Closed since the folder was read.
      return false;
    }
  }).length;
}
