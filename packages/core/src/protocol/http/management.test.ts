import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import type { LoadParameters, ManagementService } from '../../service/management-service.ts';
import type { LogSettings } from '../../telemetry/logger.ts';
import type { TraceSettings } from '../../telemetry/trace.ts';
import { createServer } from './testing/fake-services.ts';

const LOG: LogSettings = {
  log_file: '',
  log_info: true,
  log_warning: true,
  log_error: true,
  log_verbose_level: 0,
  log_format: 'default',
};
const TRACE: TraceSettings = {
  trace_level: ['OFF'],
  trace_rate: '1000',
  trace_count: '-1',
  trace_mode: 'triton',
};

/** Sends a request to a server with these functions; gives the status and the body, parsed where there is one. */
async function call(
  management: Partial<ManagementService>,
  request: readonly [method: 'GET' | 'POST', url: string, body?: unknown],
): Promise<readonly [status: number, body: unknown]> {
  const [method, url, body] = request;
  const payload = typeof body === 'string' || body === undefined ? (body ?? '') : JSON.stringify(body);
  const answer = await createServer({ management }).inject({ method, url, payload });
  assert.equal(answer.headers['content-type'], 'application/json');
  return [answer.statusCode, answer.payload === '' ? undefined : (answer.json() as unknown)];
}

test('health: 200 or 400 without a body, and an error while the server shuts down', async () => {
  let state = true;
  const live = (): boolean => state;
  const ready = (): boolean => {
    throw new InferenceServerError('UNAVAILABLE', 'the server is shutting down');
  };
  const server = createServer({ health: { live, ready } });
  const good = await server.inject('/v2/health/live');
  assert.deepEqual([good.statusCode, good.payload], [200, '']);
  assert.equal(good.headers['content-type'], 'text/plain');
  state = false;
  assert.equal((await server.inject('/v2/health/live')).statusCode, 400);
  const exiting = await server.inject('/v2/health/ready');
  assert.deepEqual([exiting.statusCode, exiting.json()], [503, { error: 'the server is shutting down' }]);
});

test('health: a model that is not ready is 400 with a text', async () => {
  const modelReady = (name: string, version: string): Promise<boolean> =>
    Promise.resolve(name === 'm' && (version === '' || version === '2'));
  const server = createServer({ health: { modelReady } });
  for (const [url, status] of [
    ['/v2/models/m/ready', 200],
    ['/v2/models/m/versions/2/ready', 200],
    ['/v2/models/m/versions/3/ready', 400],
    ['/v2/models/x/ready', 400],
  ] as const) {
    const answer = await server.inject(url);
    assert.equal(answer.statusCode, status, url);
    assert.equal(answer.payload, status === 200 ? '' : '{"error":"Model version not ready"}');
  }
});

test('metadata and configuration are what the service says', async () => {
  const server = { name: 'nereid', version: '1', extensions: ['x'] };
  assert.deepEqual(await call({ serverMetadata: () => server }, ['GET', '/v2']), [200, server]);
  const model = { name: 'm', versions: ['2'], platform: 'p', inputs: [], outputs: [] };
  const modelMetadata = (name: string, version: string): typeof model => ({ ...model, name: name + version });
  assert.deepEqual(await call({ modelMetadata }, ['GET', '/v2/models/m/versions/2']), [
    200,
    { ...model, name: 'm2' },
  ]);
  const modelConfigJson = (name: string, version: string): { name: string } => ({ name: name + version });
  assert.deepEqual(await call({ modelConfigJson }, ['GET', '/v2/models/m/config']), [200, { name: 'm' }]);
  assert.deepEqual(await call({ modelConfigJson }, ['GET', '/v2/models/m/versions/2/config']), [
    200,
    { name: 'm2' },
  ]);
});

test('statistics of all models, one, or one version', async () => {
  const asked: string[][] = [];
  const statistics = (...names: string[]): [] => {
    asked.push(names);
    return [];
  };
  for (const url of ['/v2/models/stats', '/v2/models/m/stats', '/v2/models/m/versions/2/stats']) {
    assert.deepEqual(await call({ statistics }, ['GET', url]), [200, { model_stats: [] }]);
  }
  assert.deepEqual(asked, [
    ['', ''],
    ['m', ''],
    ['m', '2'],
  ]);
});

test('repository index: all models or the ready ones', async () => {
  const repositoryIndex = (readyOnly: boolean): Promise<{ name: string }[]> =>
    Promise.resolve([{ name: String(readyOnly) }]);
  const path = '/v2/repository/index';
  assert.deepEqual(await call({ repositoryIndex }, ['POST', path]), [200, [{ name: 'false' }]]);
  assert.deepEqual(await call({ repositoryIndex }, ['POST', path, {}]), [200, [{ name: 'false' }]]);
  assert.deepEqual(await call({ repositoryIndex }, ['POST', path, { ready: true }]), [
    200,
    [{ name: 'true' }],
  ]);
  assert.deepEqual(await call({ repositoryIndex }, ['POST', '/v2/repository/some/index']), [
    200,
    [{ name: 'false' }],
  ]);
  for (const body of ['{', { ready: 'yes' }]) {
    assert.equal((await call({ repositoryIndex }, ['POST', path, body]))[0], 500);
  }
});

test('load: with nothing, a configuration, and files', async () => {
  const loads: [string, LoadParameters][] = [];
  const loadModel = (name: string, parameters: LoadParameters): Promise<void> => {
    loads.push([name, parameters]);
    return Promise.resolve();
  };
  const path = '/v2/repository/models/m/load';
  const parameters = { config: '{}', 'file:1/model.onnx': Buffer.from('abc').toString('base64') };
  for (const body of [undefined, {}, { parameters }]) {
    assert.deepEqual(await call({ loadModel }, ['POST', path, body]), [200, undefined]);
  }
  assert.deepEqual(loads, [
    ['m', {}],
    ['m', {}],
    ['m', { config: '{}', files: new Map([['1/model.onnx', Buffer.from('abc')]]) }],
  ]);
});

test('load: parameters that cannot be read', async () => {
  const path = '/v2/repository/models/m/load';
  for (const [parameters, status, text] of [
    [5, 500, /non-object/],
    [{ config: {} }, 500, /'config'/],
    [{ what: 'x' }, 500, /'what'/],
    [{ 'file:a': '%%%' }, 400, /'file:a' is not valid base64/],
  ] as const) {
    const [found, body] = await call({}, ['POST', path, { parameters }]);
    assert.equal(found, status);
    assert.match(JSON.stringify(body), text);
  }
});

test('unload: with or without dependents', async () => {
  const unloads: unknown[] = [];
  const unloadModel = (...call: unknown[]): Promise<void> => {
    unloads.push(call);
    return Promise.resolve();
  };
  const path = '/v2/repository/models/m/unload';
  assert.deepEqual(await call({ unloadModel }, ['POST', path]), [200, undefined]);
  await call({ unloadModel }, ['POST', path, { parameters: { unload_dependents: true } }]);
  assert.deepEqual(unloads, [
    ['m', false],
    ['m', true],
  ]);
});

test('a named repository cannot be loaded from', async () => {
  for (const action of ['load', 'unload']) {
    assert.deepEqual(await call({}, ['POST', `/v2/repository/some/models/m/${action}`]), [
      501,
      { error: "'repository_name' specification is not supported" },
    ]);
  }
});

test("a service's error has the status of its code", async () => {
  const loadModel = (): Promise<void> =>
    Promise.reject(new InferenceServerError('INVALID_ARG', 'load failed'));
  assert.deepEqual(await call({ loadModel }, ['POST', '/v2/repository/models/m/load']), [
    400,
    { error: 'load failed' },
  ]);
});

test('trace settings are read and changed for the server and for a model', async () => {
  const calls: unknown[] = [];
  const traceSettings = (model?: string): TraceSettings => {
    calls.push(model);
    return TRACE;
  };
  const updateTraceSettings = (model: string | undefined, update: unknown): TraceSettings => {
    calls.push([model, update]);
    return TRACE;
  };
  const management = { traceSettings, updateTraceSettings };
  const body = { trace_level: ['TIMESTAMPS'], trace_rate: '5', trace_count: null, other: 1 };
  const model = '/v2/models/m/trace/setting';
  assert.deepEqual(await call(management, ['GET', '/v2/trace/setting']), [200, TRACE]);
  assert.deepEqual(await call(management, ['GET', model]), [200, TRACE]);
  assert.deepEqual(await call(management, ['POST', '/v2/trace/setting', body]), [200, TRACE]);
  assert.deepEqual(await call(management, ['POST', model, { trace_file: 'x' }]), [200, TRACE]);
  assert.deepEqual(calls, [
    undefined,
    'm',
    [undefined, { trace_level: ['TIMESTAMPS'], trace_rate: '5', trace_count: null }],
    ['m', { trace_file: 'x' }],
  ]);
});

test('settings of the wrong type are INTERNAL, as in Triton', async () => {
  const table: readonly (readonly [string, unknown])[] = [
    ['/v2/trace/setting', { trace_rate: 5 }],
    ['/v2/trace/setting', { trace_level: 'TIMESTAMPS' }],
    ['/v2/trace/setting', '{'],
    ['/v2/logging', { log_info: 1 }],
    ['/v2/logging', { log_verbose_level: -1 }],
    ['/v2/logging', { log_verbose_level: '1' }],
    ['/v2/logging', ''],
  ];
  for (const [url, body] of table) {
    assert.equal((await call({}, ['POST', url, body]))[0], 500, JSON.stringify(body));
  }
});

test('log settings are read and changed; null leaves one as it is', async () => {
  const updates: unknown[] = [];
  const updateLogSettings = (update: unknown): LogSettings => {
    updates.push(update);
    return LOG;
  };
  assert.deepEqual(await call({ logSettings: () => LOG }, ['GET', '/v2/logging']), [200, LOG]);
  const body = { log_info: false, log_verbose_level: 2, log_error: null, other: 1 };
  assert.deepEqual(await call({ updateLogSettings }, ['POST', '/v2/logging', body]), [200, LOG]);
  assert.deepEqual(updates, [
    {
      log_file: null,
      log_info: false,
      log_warning: null,
      log_error: null,
      log_verbose_level: 2,
      log_format: null,
    },
  ]);
});

test('shared memory: status and unregister, of all regions or one', async () => {
  const asked: string[] = [];
  const note = (region: string): void => {
    asked.push(region);
  };
  const region = { name: 'r', key: '/k', offset: 4, byteSize: 8 };
  const management: Partial<ManagementService> = {
    systemSharedMemoryStatus: () => [region],
    cudaSharedMemoryStatus: () => [{ name: 'c', deviceId: 1, byteSize: 8 }],
    unregisterSystemSharedMemory: note,
    unregisterCudaSharedMemory: note,
  };
  assert.deepEqual(await call(management, ['GET', '/v2/systemsharedmemory/region/r/status']), [
    200,
    [{ name: 'r', key: '/k', offset: 4, byte_size: 8 }],
  ]);
  assert.deepEqual(await call(management, ['GET', '/v2/cudasharedmemory/status']), [
    200,
    [{ name: 'c', device_id: 1, byte_size: 8 }],
  ]);
  for (const url of ['/v2/systemsharedmemory/unregister', '/v2/cudasharedmemory/region/c/unregister']) {
    assert.deepEqual(await call(management, ['POST', url]), [200, undefined]);
  }
  assert.deepEqual(asked, ['', 'c']);
});

test('shared memory: register says what is missing', async () => {
  const system = '/v2/systemsharedmemory/region/r/register';
  const cuda = '/v2/cudasharedmemory/region/r/register';
  for (const [url, body, status, text] of [
    [system, '', 500, /document is empty/],
    [system, { byte_size: 1 }, 400, /no 'key' field/],
    [system, { key: '/k' }, 400, /no 'byte_size' field/],
    [cuda, { raw_handle: { b64: 'AA==' }, byte_size: 1, device_id: 0 }, 400, /'raw_handle' must be/],
  ] as const) {
    const [found, answer] = await call({}, ['POST', url, body]);
    assert.equal(found, status);
    assert.match(JSON.stringify(answer), text);
  }
});

test('shared memory: register hands the region on', async () => {
  const regions: unknown[] = [];
  const management: Partial<ManagementService> = {
    registerSystemSharedMemory: (region) => regions.push(region),
    registerCudaSharedMemory: (region, handle) => regions.push([region, handle.length]),
  };
  await call(management, ['POST', '/v2/systemsharedmemory/region/r/register', { key: '/k', byte_size: 8 }]);
  const b64 = Buffer.alloc(64).toString('base64');
  const body = { raw_handle: { b64 }, device_id: 1, byte_size: 8 };
  await call(management, ['POST', '/v2/cudasharedmemory/region/c/register', body]);
  assert.deepEqual(regions, [
    { name: 'r', key: '/k', offset: 0, byteSize: 8 },
    [{ name: 'c', deviceId: 1, byteSize: 8 }, 64],
  ]);
});
