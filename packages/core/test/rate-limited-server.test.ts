/** Loading and unloading while requests wait for resources (SCH-29), on a real repository with the identity backend. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { createServer } from '../src/create-server.ts';
import type { Server } from '../src/server.ts';
import { fp32 } from './build-request.ts';

const DELAY_MS = 20;

let repository = '';
let server: Server;

beforeEach(async () => {
  repository = await mkdtemp(join(tmpdir(), 'nereid-test-'));
  for (const name of ['a', 'b']) await configure(name, '');
  server = await createServer({
    modelRepository: [repository],
    modelControlMode: 'explicit',
    loadModel: ['a', 'b'],
    rateLimit: 'execution_count',
    rateLimitResource: [{ name: 'slot', count: 1 }],
    logError: false,
    logInfo: false,
  });
});

afterEach(async () => {
  await server.close();
  await rm(repository, { recursive: true });
});

/** A model whose one instance holds the only slot while it executes. */
async function configure(name: string, more: string): Promise<void> {
  await mkdir(join(repository, name, '1'), { recursive: true });
  await writeFile(
    join(repository, name, 'config.pbtxt'),
    `backend: "identity" max_batch_size: 0
    input [ { name: "X" data_type: TYPE_FP32 dims: [ -1 ] } ]
    output [ { name: "X_OUT" data_type: TYPE_FP32 dims: [ -1 ] } ]
    parameters { key: "execute_delay_ms" value { string_value: "${DELAY_MS}" } }
    instance_group [ { count: 1 kind: KIND_CPU rate_limiter { resources [ { name: "slot" count: 1 } ] } } ]
    ${more}`,
  );
}

const infer = (modelName: string) => server.infer({ modelName, inputs: [fp32('X', [1], [1])] });

/** Requests that wait for each other: in a queue, or for the slot. */
const inferMany = () => Promise.all(['a', 'b', 'a', 'b', 'a', 'b'].map(infer));

test('a reload answers what waits, on the old version or the new', async () => {
  const waiting = inferMany();
  await configure('a', `parameters { key: "round" value { string_value: "2" } }`);
  await Promise.all([server.management.loadModel('a', {}), waiting, inferMany()]);
  await infer('a');
});

test('an unload answers what waits, and what shares its resources goes on', async () => {
  const waiting = inferMany();
  await server.management.unloadModel('a', false);
  await assert.rejects(infer('a'), { code: 'NOT_FOUND' });
  assert.equal((await waiting).length, 6);
  await infer('b');
});

test('warm-up waits for the resources, and gives them back', async () => {
  const warmUp = `model_warmup { name: "w" batch_size: 1 count: 2
    inputs { key: "X" value { data_type: TYPE_FP32 dims: [ 2 ] zero_data: true } } }`;
  await configure('a', warmUp);
  const holder = infer('b');
  let isLoaded = false;
  const load = server.management.loadModel('a', {}).then(() => (isLoaded = true));
  await holder;
  assert.equal(isLoaded, false);
  await load;
  await inferMany();
});

test('a model that can never get what it needs is not loaded, and says why', async () => {
  await configure('a', '');
  await writeFile(
    join(repository, 'a', 'config.pbtxt'),
    `backend: "identity"
    instance_group [ { count: 1 kind: KIND_CPU rate_limiter { resources [ { name: "slot" count: 2 } ] } } ]`,
  );
  await assert.rejects(server.management.loadModel('a', {}), {
    code: 'INVALID_ARG',
    message: /Resource count for "slot" is limited to 1 .* instance 'a_0_0', the minimum required count is 2/,
  });
  await infer('a');
});
