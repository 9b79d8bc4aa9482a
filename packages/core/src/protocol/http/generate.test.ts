import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { test } from 'node:test';
import { encodeBytesTensor, InferenceServerError, type Tensor } from '@nereid/protocol';
import { createModelConfig } from '@nereid/protocol/model-config';
import { errorResponse, type InferenceResponse } from '../../response/inference-response.ts';
import { createServer, responseOf, scripted, servedModel, startServer } from './testing/fake-services.ts';

const CONFIG = createModelConfig({
  input: [{ name: 'text_input', data_type: 'TYPE_STRING', dims: [1] }],
  output: [{ name: 'text_output', data_type: 'TYPE_STRING', dims: [1] }],
});
const MODEL = servedModel({ config: CONFIG, decoupled: true });
const GENERATE = '/v2/models/m/generate';
const STREAM = '/v2/models/m/generate_stream';
const PAYLOAD = JSON.stringify({ id: 'r', text_input: 'hi' });
const MANY =
  'generate expects model to produce exactly 1 response, use generate stream for model that generates various ' +
  'number of responses';

const word = (text: string): InferenceResponse => {
  const output: Tensor = {
    name: 'text_output',
    datatype: 'BYTES',
    shape: [1],
    data: encodeBytesTensor([text]),
  };
  return responseOf(output);
};
const failure = errorResponse(new InferenceServerError('INTERNAL', 'refused'));
const wordJson = (text: string): string =>
  `{"id":"r","model_name":"m","model_version":"1","text_output":"${text}"}`;

function post(url: string, responses: readonly (InferenceResponse | undefined)[], payload = PAYLOAD) {
  return createServer({ inference: scripted(MODEL, responses) }).inject({ method: 'POST', url, payload });
}

test('generate answers with the only response, in chunks', async () => {
  for (const responses of [[word('hi')], [word('hi'), undefined]]) {
    const answer = await post(GENERATE, responses);
    assert.equal(answer.statusCode, 200);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['content-length'], undefined);
    assert.equal(answer.payload, wordJson('hi'));
  }
});

test('generate refuses no response and several, under the status of the first', async () => {
  for (const [status, responses] of [
    [200, [undefined]],
    [200, [word('a'), word('b')]],
    [200, [word('a'), failure]],
    [400, [failure, word('b')]],
  ] as const) {
    const answer = await post(GENERATE, responses);
    assert.equal(answer.statusCode, status);
    assert.deepEqual(answer.json(), { error: MANY });
  }
});

test('generate answers the error of a model with 400', async () => {
  const answer = await post(GENERATE, [failure]);
  assert.equal(answer.statusCode, 400);
  assert.deepEqual(answer.json(), { error: 'refused' });
});

test('an error with a status of its own keeps it, and says when to come again', async () => {
  const http = { status: 429, retryAfterSeconds: 3 };
  const full = errorResponse(new InferenceServerError('UNAVAILABLE', 'full', { http }));
  for (const url of [GENERATE, STREAM]) {
    const { statusCode, headers } = await post(url, [full]);
    assert.deepEqual([statusCode, headers['retry-after']], [429, '3']);
  }
});

test('generate_stream answers each response with an event, and the flag alone with none', async () => {
  const answer = await post(STREAM, [word('a'), word('b'), undefined]);
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.headers['content-type'], 'text/event-stream; charset=utf-8');
  assert.equal(answer.payload, `data: ${wordJson('a')}\n\ndata: ${wordJson('b')}\n\n`);
  assert.equal((await post(STREAM, [undefined])).payload, '');
});

test('generate_stream goes on after an error, which decides the status when it comes first', async () => {
  const later = await post(STREAM, [word('a'), failure, word('b'), undefined]);
  assert.equal(later.statusCode, 200);
  assert.equal(
    later.payload,
    `data: ${wordJson('a')}\n\ndata: {"error":"refused"}\n\ndata: ${wordJson('b')}\n\n`,
  );
  const first = await post(STREAM, [failure]);
  assert.equal(first.statusCode, 400);
  assert.equal(first.headers['content-type'], 'text/event-stream; charset=utf-8');
});

test('what is refused before the model runs is an ordinary error', async () => {
  const answer = await post(STREAM, [], '{');
  assert.equal(answer.statusCode, 500);
  assert.equal(answer.headers['content-type'], 'application/json');
});

test('takes no compressed request, writes no compressed answer', async () => {
  const server = createServer({ inference: scripted(MODEL, [word('a')]) });
  const send = (headers: Record<string, string>) =>
    server.inject({ method: 'POST', url: GENERATE, payload: PAYLOAD, headers });
  const refused = await send({ 'content-encoding': 'gzip' });
  assert.equal(refused.statusCode, 400);
  assert.match(refused.payload, /only 'identity' is supported/);
  assert.equal((await send({ 'content-encoding': 'identity' })).statusCode, 200);
  assert.equal((await send({ 'accept-encoding': 'gzip' })).payload, wordJson('a'));
});

test('forwards no headers and reports no load that is not known', async () => {
  const inference = scripted(MODEL, [word('a')]);
  const server = createServer({ inference }, { headerForwardPattern: /^x-/ });
  const headers = { 'x-user': 'me', 'endpoint-load-metrics-format': 'json' };
  const answer = await server.inject({ method: 'POST', url: GENERATE, payload: PAYLOAD, headers });
  assert.deepEqual(inference.messages[0]?.parameters, { id: 'r' });
  assert.equal(answer.headers['endpoint-load-metrics'], undefined);
});

test('the batch dimension takes the rest of the elements', async () => {
  const config = createModelConfig({
    max_batch_size: 8,
    input: [{ name: 'X', data_type: 'TYPE_INT32', dims: [2] }],
  });
  const inference = scripted(servedModel({ config }), [responseOf()]);
  const server = createServer({ inference });
  await server.inject({ method: 'POST', url: GENERATE, payload: '{"X":[1,2,3,4]}' });
  assert.deepEqual(inference.messages[0]?.inputs[0]?.shape, [2, 2]);
});

test('refuses bodies over the limit', async () => {
  const server = createServer({ inference: scripted(MODEL, []) }, { maxInputSize: 10 });
  const answer = await server.inject({ method: 'POST', url: GENERATE, payload: PAYLOAD });
  assert.equal(answer.statusCode, 400);
  assert.match(answer.payload, /--http-max-input-size/);
});

test('other methods are refused', async () => {
  for (const url of [GENERATE, STREAM, '/v2/models/m/versions/1/generate']) {
    assert.equal((await createServer({}).inject({ method: 'GET', url })).statusCode, 405);
  }
});

test('a client that goes in the middle of its events cancels the inference', async (t) => {
  const inference = scripted(MODEL, [word('a')], { keepOpen: true });
  const { port } = await startServer(t, { inference });
  const request = httpRequest({ port, method: 'POST', path: STREAM });
  request.on('error', () => undefined);
  request.end(PAYLOAD);
  const [answer] = (await once(request, 'response')) as [NodeJS.ReadableStream];
  await once(answer, 'data');
  request.destroy();
  await inference.cancelled;
  // What the model still says is written nowhere.
  inference.respond(word('b'), true);
});
