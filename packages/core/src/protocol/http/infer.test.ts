import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { deflateSync, gunzipSync, gzipSync } from 'node:zlib';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { errorResponse } from '../../response/inference-response.ts';
import type { InferenceService } from '../../service/inference-service.ts';
import { collectingTracer } from '../../telemetry/testing/collecting-tracer.ts';
import {
  createServer,
  identity,
  responseOf,
  scripted,
  servedModel,
  startServer,
} from './testing/fake-services.ts';

const PATH = '/v2/models/m/infer';
const VALUES = new Uint8Array([1, 2, 3, 4]);
const JSON_INPUT = { name: 'X', datatype: 'UINT8', shape: [4], data: [1, 2, 3, 4] };
const BINARY_INPUT = { name: 'X', datatype: 'UINT8', shape: [4], parameters: { binary_data_size: 4 } };
const JSON_BODY = JSON.stringify({ inputs: [JSON_INPUT] });

/** A request with the values after the JSON. */
function binaryRequest(fields: object = {}): {
  readonly headers: Record<string, string>;
  readonly payload: Buffer;
} {
  const json = Buffer.from(JSON.stringify({ ...fields, inputs: [BINARY_INPUT] }));
  return {
    headers: { 'inference-header-content-length': String(json.length) },
    payload: Buffer.concat([json, VALUES]),
  };
}

/** A service that keeps the message and never answers. */
function keeping(): {
  readonly service: Partial<InferenceService>;
  readonly messages: InferRequestMessage[];
} {
  const messages: InferRequestMessage[] = [];
  const service: Partial<InferenceService> = {
    ...identity(),
    infer: (_model, message, handler) => {
      messages.push(message);
      handler(responseOf(), true);
      return { cancel: () => undefined };
    },
  };
  return { service, messages };
}

test('answers JSON with JSON', async () => {
  const server = createServer({ inference: identity() });
  const answer = await server.inject({ method: 'POST', url: PATH, payload: JSON_BODY });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['inference-header-content-length'], undefined);
  assert.equal(
    answer.payload,
    '{"model_name":"m","model_version":"1","outputs":[{"name":"X","datatype":"UINT8","shape":[4],"data":[1,2,3,4]}]}',
  );
});

test('gives the id back, and the version that answered', async () => {
  const server = createServer({ inference: identity(servedModel({ version: '7' })) });
  const answer = await server.inject({
    method: 'POST',
    url: '/v2/models/m/versions/7/infer',
    payload: JSON.stringify({ id: 'a', inputs: [JSON_INPUT] }),
  });
  const { id, model_version: version } = answer.json<Record<string, unknown>>();
  assert.deepEqual([id, version], ['a', '7']);
});

test('looks the model up by the decoded name and the version of the path', async () => {
  const asked: string[][] = [];
  const getModel = (name: string, version: string): never => {
    asked.push([name, version]);
    throw new InferenceServerError('NOT_FOUND', `Request for unknown model: '${name}' is not found`);
  };
  const server = createServer({ inference: { getModel } });
  const answer = await server.inject({
    method: 'POST',
    url: '/v2/models/a%20b/versions/3/infer',
    payload: 'no JSON',
  });
  assert.deepEqual(asked, [['a b', '3']]);
  assert.equal(answer.statusCode, 404);
  assert.deepEqual(answer.json(), { error: "Request for unknown model: 'a b' is not found" });
});

test('answers with bytes where the request asks for them', async () => {
  const server = createServer({ inference: identity() });
  const fields = { parameters: { binary_data_output: true } };
  const answer = await server.inject({ method: 'POST', url: PATH, ...binaryRequest(fields) });
  assert.equal(answer.headers['content-type'], 'application/octet-stream');
  const length = Number(answer.headers['inference-header-content-length']);
  const json: unknown = JSON.parse(answer.rawPayload.subarray(0, length).toString());
  assert.deepEqual(json, {
    model_name: 'm',
    model_version: '1',
    outputs: [{ name: 'X', datatype: 'UINT8', shape: [4], parameters: { binary_data_size: 4 } }],
  });
  assert.deepEqual([...answer.rawPayload.subarray(length)], [1, 2, 3, 4]);
});

test('reads a body whatever its content type', async () => {
  const server = createServer({ inference: identity() });
  for (const type of [undefined, 'application/json', 'text/plain', 'nonsense', 'a/b; c']) {
    const headers = type === undefined ? {} : { 'content-type': type };
    const answer = await server.inject({
      method: 'POST',
      url: PATH,
      headers,
      payload: Buffer.from(JSON_BODY),
    });
    assert.equal(answer.statusCode, 200, String(type));
  }
});

test('large binary answers arrive whole over a network', async (t) => {
  const byteSize = 3_000_001;
  const data = Buffer.alloc(byteSize, 'abcdefg');
  const { url } = await startServer(t, { inference: identity() });
  const json = JSON.stringify({
    inputs: [{ name: 'X', datatype: 'UINT8', shape: [byteSize], parameters: { binary_data_size: byteSize } }],
    outputs: [{ name: 'X', parameters: { binary_data: true } }],
  });
  const answer = await fetch(url + PATH, {
    method: 'POST',
    headers: { 'Inference-Header-Content-Length': String(json.length) },
    body: Buffer.concat([Buffer.from(json), data]),
  });
  const body = Buffer.from(await answer.arrayBuffer());
  assert.ok(body.subarray(Number(answer.headers.get('inference-header-content-length'))).equals(data));
});

test('reads a body that comes in chunks, and one that comes in pieces', async (t) => {
  const { port } = await startServer(t, { inference: identity() });
  for (const headers of [{ 'Transfer-Encoding': 'chunked' }, { 'Content-Length': JSON_BODY.length }]) {
    const request = httpRequest({ port, host: '127.0.0.1', method: 'POST', path: PATH, headers });
    for (const letter of JSON_BODY) request.write(letter);
    request.end();
    const [response] = (await once(request, 'response')) as [{ statusCode: number; resume(): void }];
    assert.equal(response.statusCode, 200);
    response.resume();
  }
});

test('refuses a body of more than 65,536 small chunks and closes the connection', async (t) => {
  const { port } = await startServer(t, { inference: identity() });
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`);
  socket.write('1\r\nx\r\n'.repeat(65_537));
  let answer = '';
  for await (const piece of socket.setEncoding('utf8')) answer += String(piece);
  assert.match(answer, /^HTTP\/1.1 400 /);
  assert.match(answer, /Connection: close/);
  assert.match(answer, /65536 chunks/);
});

test('refuses a body whose length does not fit 32 bits', async (t) => {
  const { port } = await startServer(t, { inference: identity() });
  const socket = connect(port, '127.0.0.1');
  socket.write(`POST ${PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: 2147483648\r\n\r\n`);
  let answer = '';
  for await (const piece of socket.setEncoding('utf8')) answer += String(piece);
  assert.match(answer, /^HTTP\/1.1 400 [^]*2147483648/);
});

test('takes compressed bodies, their JSON length counted before compression', async () => {
  const server = createServer({ inference: identity() });
  const { headers, payload } = binaryRequest();
  for (const [encoding, body] of [
    ['gzip', gzipSync(payload)],
    ['deflate', deflateSync(payload)],
    ['deflate', gzipSync(payload)],
    ['identity', payload],
  ] as const) {
    const answer = await server.inject({
      method: 'POST',
      url: PATH,
      headers: { ...headers, 'content-encoding': encoding },
      payload: body,
    });
    assert.equal(answer.statusCode, 200, encoding);
  }
});

test('refuses an unknown encoding and says which ones it takes', async () => {
  const server = createServer({ inference: identity() });
  const answer = await server.inject({
    method: 'POST',
    url: PATH,
    headers: { 'content-encoding': 'br' },
    payload: JSON_BODY,
  });
  assert.equal(answer.statusCode, 501);
  assert.equal(answer.headers['accept-encoding'], 'gzip, deflate');
  assert.deepEqual(answer.json(), { error: 'Unsupported compression type' });
});

test('compresses the answer where the client takes it', async () => {
  const server = createServer({ inference: identity() });
  const headers = { 'accept-encoding': 'deflate;q=0.5, gzip' };
  const plain = await server.inject({ method: 'POST', url: PATH, payload: JSON_BODY });
  const answer = await server.inject({ method: 'POST', url: PATH, headers, payload: JSON_BODY });
  assert.equal(answer.headers['content-encoding'], 'gzip');
  assert.equal(gunzipSync(answer.rawPayload).toString(), plain.payload);
});

test('never compresses an error', async () => {
  const server = createServer({ inference: identity() });
  const headers = { 'accept-encoding': 'gzip' };
  const answer = await server.inject({ method: 'POST', url: PATH, headers, payload: '{}' });
  assert.equal(answer.headers['content-encoding'], undefined);
  assert.equal(answer.statusCode, 500);
});

test('faults of the body have the statuses of their codes', async () => {
  const server = createServer({ inference: identity() }, { maxInputSize: 100 });
  const table: readonly (readonly [string, string | undefined, number, RegExp])[] = [
    ['{', undefined, 500, /^failed to parse the request JSON buffer/],
    ['{}', undefined, 500, /^Unable to parse 'inputs'/],
    [JSON_BODY, '-5', 400, /should be in range/],
    [JSON_BODY, 'abc', 400, /abc/],
    [JSON_BODY, '1000', 400, /should be in range/],
    [' '.repeat(101), undefined, 400, /--http-max-input-size/],
  ];
  for (const [payload, length, status, text] of table) {
    const headers = length === undefined ? {} : { 'inference-header-content-length': length };
    const answer = await server.inject({ method: 'POST', url: PATH, headers, payload });
    assert.equal(answer.statusCode, status, payload);
    assert.match(answer.json<{ error: string }>().error, text);
  }
});

test('an empty body is a raw request', async () => {
  const { service, messages } = keeping();
  const answer = await createServer({ inference: service }).inject({ method: 'POST', url: PATH });
  assert.equal(answer.statusCode, 200);
  assert.equal(messages[0]?.rawInput?.length, 0);
});

test('refuses a decoupled model before it looks at the body', async () => {
  const server = createServer({ inference: identity(servedModel({ decoupled: true })) });
  const answer = await server.inject({ method: 'POST', url: PATH, payload: '{' });
  assert.equal(answer.statusCode, 501);
  assert.match(answer.json<{ error: string }>().error, /decoupled/);
});

test("the model's error becomes the answer", async () => {
  const infer: InferenceService['infer'] = (_model, _message, handler) => {
    handler(errorResponse(new InferenceServerError('UNAVAILABLE', 'queue is full')), true);
    return { cancel: () => undefined };
  };
  const server = createServer({ inference: { ...identity(), infer } });
  const answer = await server.inject({ method: 'POST', url: PATH, payload: JSON_BODY });
  assert.equal(answer.statusCode, 503);
  assert.deepEqual(answer.json(), { error: 'queue is full' });
});

test('a fault of ours is INTERNAL, and its cause goes to the log', async () => {
  const bug = new TypeError('bug');
  const causes: unknown[] = [];
  const infer = (): never => {
    throw bug;
  };
  const server = createServer({
    inference: { ...identity(), infer },
    logger: { error: (_text, fields) => causes.push(fields?.cause) },
  });
  const answer = await server.inject({ method: 'POST', url: PATH, payload: JSON_BODY });
  assert.equal(answer.statusCode, 500);
  assert.deepEqual(causes, [bug]);
});

test('an end without a response is INTERNAL', async () => {
  const infer: InferenceService['infer'] = (_model, _message, handler) => {
    handler(undefined, true);
    return { cancel: () => undefined };
  };
  const answer = await createServer({ inference: { ...identity(), infer } }).inject({
    method: 'POST',
    url: PATH,
    payload: JSON_BODY,
  });
  assert.equal(answer.statusCode, 500);
  assert.match(answer.json<{ error: string }>().error, /model 'm' ended/);
});

test('forwards the headers that match', async () => {
  const { service, messages } = keeping();
  const server = createServer({ inference: service }, { headerForwardPattern: /^x-/i });
  await server.inject({ method: 'POST', url: PATH, headers: { 'x-a': 'one', b: 'two' }, payload: JSON_BODY });
  assert.deepEqual(messages[0]?.parameters, { 'x-a': 'one' });
});

test('a client that goes cancels its inference', async (t) => {
  const started = Promise.withResolvers<undefined>();
  const cancelled = Promise.withResolvers<undefined>();
  const infer = (): { cancel: () => void } => {
    started.resolve(undefined);
    return {
      cancel: () => {
        cancelled.resolve(undefined);
      },
    };
  };
  const { url } = await startServer(t, { inference: { ...identity(), infer } });
  const controller = new AbortController();
  const answer = fetch(url + PATH, { method: 'POST', body: JSON_BODY, signal: controller.signal });
  await started.promise;
  controller.abort();
  await assert.rejects(answer);
  await cancelled.promise;
});

test('an answered inference is not cancelled when the connection closes', async (t) => {
  const answer = Promise.withResolvers<undefined>();
  let isCancelled = false;
  const infer: InferenceService['infer'] = (_model, _message, handler) => {
    void answer.promise.then(() => {
      handler(responseOf(), true);
    });
    return {
      cancel: () => {
        isCancelled = true;
      },
    };
  };
  const { server, url } = await startServer(t, { inference: { ...identity(), infer } });
  const response = fetch(url + PATH, { method: 'POST', body: JSON_BODY });
  answer.resolve(undefined);
  await (await response).text();
  await server.close(1000);
  assert.equal(isCancelled, false);
});

test('a sampled request notes when it was received and sent', async (t) => {
  const { tracer, next } = collectingTracer();
  const { url } = await startServer(t, { inference: identity(), tracer });
  await (await fetch(url + PATH, { method: 'POST', body: JSON_BODY })).text();
  const { events } = await next();
  assert.deepEqual(
    events.map(({ name }) => name),
    ['HTTP_RECV_START', 'HTTP_RECV_END', 'INFER_RESPONSE_COMPLETE', 'HTTP_SEND_START', 'HTTP_SEND_END'],
  );
  assert.deepEqual(
    events.map(({ ns }) => ns),
    events.map(({ ns }) => ns).toSorted((a, b) => a - b),
  );
});

test('a trace goes on with the one that the headers name', async (t) => {
  const { tracer, next } = collectingTracer({ rate: 0 });
  const { url } = await startServer(t, { inference: identity(), tracer });
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { traceparent, tracestate: 'vendor=1' };
  await (await fetch(url + PATH, { method: 'POST', body: JSON_BODY })).text();
  await (await fetch(url + PATH, { method: 'POST', body: JSON_BODY, headers })).text();
  const { spans } = await next();
  assert.deepEqual(spans?.parent, {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceState: 'vendor=1',
  });
});

test('a failed request ends its trace with the reason, and its line in the log names the trace', async (t) => {
  const { tracer, next } = collectingTracer();
  const lines: unknown[] = [];
  const { url } = await startServer(t, {
    inference: {
      getModel: () => servedModel(),
      infer: () => {
        throw new InferenceServerError('INVALID_ARG', 'no such input');
      },
    },
    tracer,
    logger: { verbose: (_level, message, fields) => lines.push([message, fields]) },
  });
  await (await fetch(url + PATH, { method: 'POST', body: JSON_BODY })).text();
  assert.equal((await next()).error, 'no such input');
  const traceId = '00000000000000000000000000000001';
  assert.deepEqual(lines.at(-1), ['Infer failed: no such input', { requestId: '', traceId }]);
});

const EVENTS = { accept: 'text/event-stream' };

test('answers with one event for each response of a decoupled model when the client takes events', async () => {
  const output = { name: 'Y', datatype: 'UINT8' as const, shape: [1], data: new Uint8Array([7]) };
  const failure = errorResponse(new InferenceServerError('UNAVAILABLE', 'busy'));
  const inference = scripted(servedModel({ decoupled: true }), [responseOf(output), failure, undefined]);
  const server = createServer({ inference });
  const payload = JSON.stringify({ id: 'r', inputs: [JSON_INPUT] });
  const answer = await server.inject({ method: 'POST', url: PATH, payload, headers: EVENTS });
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(
    answer.payload,
    'data: {"id":"r","model_name":"m","model_version":"1","outputs":' +
      '[{"name":"Y","datatype":"UINT8","shape":[1],"data":[7]}]}\n\ndata: {"error":"busy"}\n\n',
  );
});

test('an ordinary model answers with one event; its error has its own status', async () => {
  const failure = errorResponse(new InferenceServerError('UNAVAILABLE', 'busy'));
  for (const [status, response] of [
    [200, responseOf()],
    [503, failure],
  ] as const) {
    const server = createServer({ inference: scripted(servedModel(), [response]) });
    const answer = await server.inject({ method: 'POST', url: PATH, payload: JSON_BODY, headers: EVENTS });
    assert.equal(answer.statusCode, status);
    assert.equal(answer.payload.match(/^data: /gm)?.length, 1);
  }
});

test('events carry no binary outputs', async () => {
  const server = createServer({ inference: identity() });
  for (const fields of [
    { parameters: { binary_data_output: true } },
    { outputs: [{ name: 'X', parameters: { binary_data: true } }] },
  ]) {
    const payload = JSON.stringify({ inputs: [JSON_INPUT], ...fields });
    const answer = await server.inject({ method: 'POST', url: PATH, payload, headers: EVENTS });
    assert.equal(answer.statusCode, 400);
    assert.match(answer.payload, /events carry no binary data/);
  }
});
