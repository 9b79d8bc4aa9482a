import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test, type TestContext } from 'node:test';
import { HttpClient } from './http-client.ts';
import { InferInput } from './infer-input.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

async function serve(t: TestContext, handle: Handler): Promise<HttpClient> {
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    handle(request, response, body);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = new HttpClient(`127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await client.close();
  });
  return client;
}

function events(response: ServerResponse, ...data: readonly string[]): void {
  response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
  for (const one of data) response.write(`data: ${one}\n\n`);
}

const INPUT = InferInput.from('X', Int32Array.of(1), [1]);
const resultOf = (value: number): string =>
  JSON.stringify({
    model_name: 'm',
    model_version: '1',
    outputs: [{ name: 'Y', datatype: 'INT32', shape: [1], data: [value] }],
  });

test('inferResponses gives each answer as it comes', async (t) => {
  let next = (): void => undefined;
  const client = await serve(t, (request, response, body) => {
    assert.equal(request.headers.accept, 'text/event-stream');
    assert.doesNotMatch(body, /"binary_data":true|"binary_data_output":true/);
    events(response, resultOf(7));
    next = () => response.end(`data: ${resultOf(8)}\n\n`);
  });
  const values: unknown[] = [];
  for await (const result of client.inferResponses('m', [INPUT])) {
    values.push(...(result.output('Y', 'INT32') ?? []));
    // The second answer is sent only when the first one was seen.
    next();
  }
  assert.deepEqual(values, [7, 8]);
});

test('leaving the loop closes the connection', async (t) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const client = await serve(t, (_request, response) => {
    response.on('close', resolve);
    events(response, resultOf(7));
  });
  for await (const _ of client.inferResponses('m', [INPUT])) break;
  await closed;
});

test('the signal cancels a stream in the middle', async (t) => {
  const client = await serve(t, (_request, response) => events(response, '{"text":"a"}'));
  const controller = new AbortController();
  const stream = client.generateStream('m', {}, { signal: controller.signal });
  assert.deepEqual((await stream.next()).value, { text: 'a' });
  controller.abort();
  await assert.rejects(stream.next(), { code: 'CANCELLED' });
});

test('an event that is an error is thrown; an output of that name is not', async (t) => {
  const client = await serve(t, (_request, response) => {
    events(response, '{"error":"no","model_name":"m"}', '{"error":"refused"}');
    response.end();
  });
  const stream = client.generateStream('m', {});
  assert.deepEqual((await stream.next()).value, { error: 'no', model_name: 'm' });
  await assert.rejects(stream.next(), { code: 'UNKNOWN', message: 'refused' });
});

test('an error before the first event has the code of its status, as JSON or as an event', async (t) => {
  for (const [type, body] of [
    ['application/json', '{"error":"busy"}'],
    ['text/event-stream', 'data: {"error":"busy"}\n\n'],
  ] as const) {
    const client = await serve(t, (_request, response) => {
      response.writeHead(503, { 'Content-Type': type }).end(body);
    });
    await assert.rejects(client.generateStream('m', {}).next(), { code: 'UNAVAILABLE', message: 'busy' });
  }
});

test('a server that answers without events is told apart', async (t) => {
  const client = await serve(t, (_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(resultOf(1));
  });
  await assert.rejects(client.inferResponses('m', [INPUT]).next(), { code: 'INTERNAL', message: /events/ });
});

test('generate gives the flat answer, and throws what is wrong under a good status', async (t) => {
  const asked: string[] = [];
  const client = await serve(t, (request, response, body) => {
    asked.push(`${request.url ?? ''} ${body}`);
    const answer = asked.length === 1 ? '{"model_name":"m","text":"hi"}' : '{"error":"exactly 1 response"}';
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer);
  });
  const ask = () => client.generate('m', { text: 'a', top_k: 3 }, { modelVersion: '2' });
  assert.deepEqual(await ask(), { model_name: 'm', text: 'hi' });
  assert.deepEqual(asked, ['/v2/models/m/versions/2/generate {"text":"a","top_k":3}']);
  await assert.rejects(ask(), { code: 'UNKNOWN', message: 'exactly 1 response' });
});
