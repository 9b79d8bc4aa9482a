import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { InferenceServerError } from '@nereid/protocol';
import { HttpClient, type HttpClientOptions } from './http-client.ts';
import { InferInput } from './infer-input.ts';

interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** undefined: never answer. */
  readonly body: string | Buffer | undefined;
}

interface Fixture {
  readonly client: HttpClient;
  readonly received: Received[];
  /** Resolves at the next request. */
  readonly nextRequest: () => Promise<unknown>;
}

async function serve(t: TestContext, answer: Answer, options?: HttpClientOptions): Promise<Fixture> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    received.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    if (answer.body !== undefined) response.writeHead(answer.status ?? 200, answer.headers).end(answer.body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new HttpClient(`127.0.0.1:${port}`, options);
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await client.close();
  });
  return { client, received, nextRequest: () => once(server, 'request') };
}

const INPUT = InferInput.from('INPUT0', Int32Array.of(1, 2), [1, 2]);
const JSON_RESULT = JSON.stringify({
  model_name: 'm',
  model_version: '1',
  id: 'r',
  parameters: { p: 1 },
  outputs: [{ name: 'OUTPUT0', datatype: 'INT32', shape: [1, 2], data: [3, 4] }],
});

test('inputs travel as bytes behind the JSON', async (t) => {
  const { client, received } = await serve(t, { body: JSON_RESULT });
  const result = await client.infer('m', [INPUT], {
    modelVersion: '1',
    requestId: 'r',
    priority: 2,
    timeoutUs: 500,
    sequence: { id: 7, start: true },
    parameters: { p: true },
    outputs: ['OUTPUT0', { name: 'TOP', classification: 2 }],
    headers: { 'x-mine': 'yes' },
  });
  const [request] = received;
  assert.ok(request);
  assert.equal(`${request.method} ${request.url}`, 'POST /v2/models/m/versions/1/infer');
  assert.equal(request.headers['x-mine'], 'yes');
  assert.equal(request.headers['content-type'], 'application/octet-stream');
  const jsonLength = Number(request.headers['inference-header-content-length']);
  assert.deepEqual([...request.body.subarray(jsonLength)], [1, 0, 0, 0, 2, 0, 0, 0]);
  assert.deepEqual(JSON.parse(request.body.toString('utf8', 0, jsonLength)), {
    id: 'r',
    parameters: {
      p: true,
      sequence_id: 7,
      sequence_start: true,
      sequence_end: false,
      priority: 2,
      timeout: 500,
    },
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 2], parameters: { binary_data_size: 8 } }],
    outputs: [
      { name: 'OUTPUT0', parameters: { binary_data: true } },
      { name: 'TOP', parameters: { binary_data: true, classification: 2 } },
    ],
  });
  assert.deepEqual(result.output('OUTPUT0', 'INT32'), Int32Array.of(3, 4));
  assert.deepEqual(
    [result.modelName, result.modelVersion, result.id, result.parameters],
    ['m', '1', 'r', { p: 1 }],
  );
});

test('without binary data everything is JSON', async (t) => {
  const { client, received } = await serve(t, { body: JSON_RESULT });
  await client.infer('m', [INPUT], { binaryData: false });
  assert.equal(received[0]?.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(String(received[0]?.body)), {
    inputs: [{ name: 'INPUT0', datatype: 'INT32', shape: [1, 2], data: [1, 2] }],
  });
});

test('binary outputs are read', async (t) => {
  const json = JSON.stringify({
    model_name: 'm',
    model_version: '1',
    outputs: [{ name: 'Y', datatype: 'INT16', shape: [2], parameters: { binary_data_size: 4 } }],
  });
  const { client } = await serve(t, {
    headers: { 'Inference-Header-Content-Length': String(json.length) },
    body: Buffer.concat([Buffer.from(json), Buffer.from([1, 0, 2, 0])]),
  });
  assert.deepEqual((await client.infer('m', [INPUT])).output('Y'), Int16Array.of(1, 2));
});

test('bodies are compressed both ways when asked', async (t) => {
  const { client, received } = await serve(t, {
    headers: { 'Content-Encoding': 'gzip' },
    body: gzipSync(JSON_RESULT),
  });
  const result = await client.infer('m', [INPUT], {
    binaryData: false,
    requestCompression: 'gzip',
    responseCompression: 'gzip',
  });
  assert.deepEqual(result.asNumbers('OUTPUT0'), [3, 4]);
  const headers = received[0]?.headers;
  assert.deepEqual([headers?.['content-encoding'], headers?.['accept-encoding']], ['gzip', 'gzip']);
  assert.match(gunzipSync(received[0]?.body ?? '').toString(), /"INPUT0"/);
});

test('an error of the server is thrown with its code and text', async (t) => {
  for (const [status, code] of [
    [400, 'INVALID_ARG'],
    [404, 'NOT_FOUND'],
    [500, 'INTERNAL'],
    [501, 'UNSUPPORTED'],
    [503, 'UNAVAILABLE'],
  ] as const) {
    const { client } = await serve(t, { status, body: '{"error":"no such thing"}' });
    await assert.rejects(client.infer('m', [INPUT]), {
      name: 'InferenceServerError',
      code,
      message: 'no such thing',
    });
  }
});

test('an error that is not JSON shows its text, or its status', async (t) => {
  const { client: proxied } = await serve(t, { status: 502, body: 'Bad Gateway' });
  await assert.rejects(proxied.serverMetadata(), { code: 'UNAVAILABLE', message: 'Bad Gateway' });
  const { client: silent } = await serve(t, { status: 500, body: '' });
  await assert.rejects(silent.serverMetadata(), { code: 'INTERNAL', message: 'HTTP status 500' });
});

test('a server that cannot be reached is UNAVAILABLE', async () => {
  const client = new HttpClient('http://127.0.0.1:1');
  await assert.rejects(client.serverLive(), (error) => {
    assert.ok(InferenceServerError.is(error));
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(error.message, /^no answer from http:\/\/127\.0\.0\.1:1: /);
    return true;
  });
  await client.close();
});

test('the signal cancels a request that waits', async (t) => {
  const { client, nextRequest } = await serve(t, { body: undefined });
  const controller = new AbortController();
  const result = client.infer('m', [INPUT], { signal: controller.signal });
  await nextRequest();
  controller.abort();
  await assert.rejects(result, { code: 'CANCELLED' });
});

test('health is what the status says', async (t) => {
  const { client: good, received } = await serve(t, { body: '' });
  assert.deepEqual(
    [await good.serverLive(), await good.serverReady(), await good.modelReady('a b', { modelVersion: '3' })],
    [true, true, true],
  );
  assert.deepEqual(
    received.map(({ url }) => url),
    ['/v2/health/live', '/v2/health/ready', '/v2/models/a%20b/versions/3/ready'],
  );
  const { client: bad } = await serve(t, { status: 400, body: '' });
  assert.deepEqual([await bad.serverReady(), await bad.modelReady('m')], [false, false]);
});

test('every management call goes to its place', async (t) => {
  const { client, received } = await serve(
    t,
    { body: '{"model_stats":[]}' },
    { headers: { authorization: 'x' } },
  );
  await client.serverMetadata();
  await client.modelMetadata('m');
  await client.modelConfig('m', { modelVersion: '2' });
  await client.repositoryIndex({ ready: true });
  await client.loadModel('m', { config: { name: 'm' }, files: { '1/model.onnx': Buffer.from('abc') } });
  await client.unloadModel('m', { unloadDependents: true });
  assert.deepEqual(await client.modelStatistics(), []);
  await client.modelStatistics('m');
  await client.logSettings();
  await client.updateLogSettings({ log_verbose_level: 1 });
  await client.traceSettings();
  await client.updateTraceSettings({ trace_level: ['OFF'], trace_rate: null }, 'm');
  assert.deepEqual(
    received.map(({ method, url, body }) => `${method} ${url} ${String(body)}`.trim()),
    [
      'GET /v2',
      'GET /v2/models/m',
      'GET /v2/models/m/versions/2/config',
      'POST /v2/repository/index {"ready":true}',
      'POST /v2/repository/models/m/load {"parameters":{"config":"{\\"name\\":\\"m\\"}","file:1/model.onnx":"YWJj"}}',
      'POST /v2/repository/models/m/unload {"parameters":{"unload_dependents":true}}',
      'GET /v2/models/stats',
      'GET /v2/models/m/stats',
      'GET /v2/logging',
      'POST /v2/logging {"log_verbose_level":1}',
      'GET /v2/trace/setting',
      'POST /v2/models/m/trace/setting {"trace_level":["OFF"],"trace_rate":null}',
    ],
  );
  assert.ok(received.every(({ headers }) => headers.authorization === 'x'));
});

test('shared memory is registered, listed and unregistered at its paths', async (t) => {
  const { client, received } = await serve(t, { body: '[]' });
  await client.registerSystemSharedMemory({ name: 'a b', key: '/k', byteSize: 64 });
  await client.systemSharedMemoryStatus();
  await client.systemSharedMemoryStatus('r');
  await client.unregisterSystemSharedMemory('r');
  await client.unregisterSystemSharedMemory();
  assert.deepEqual(
    received.map(({ method, url, body }) => `${method} ${url} ${String(body)}`.trim()),
    [
      'POST /v2/systemsharedmemory/region/a%20b/register {"key":"/k","offset":0,"byte_size":64}',
      'GET /v2/systemsharedmemory/status',
      'GET /v2/systemsharedmemory/region/r/status',
      'POST /v2/systemsharedmemory/region/r/unregister',
      'POST /v2/systemsharedmemory/unregister',
    ],
  );
});

test('streams are not to be had', async (t) => {
  const { client } = await serve(t, { body: '' });
  assert.throws(() => client.inferStream([]), { code: 'UNSUPPORTED' });
});

test('refuses what is no URL', () => {
  assert.throws(() => new HttpClient('http://'), { code: 'INVALID_ARG' });
});
