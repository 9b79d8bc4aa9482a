import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:http';
import { test } from 'node:test';
import { decodeStringTensor, InferenceServerError } from '@nereid/protocol';
import type { PluginResponseHandler } from '@nereid/backend-sdk/http';
import { failure, outputs, startTestServer, texts, type ScriptedModel } from './testing/test-server.ts';

const CHAT = '/v1/chat/completions';

/** A model that takes bodies whole and answers with pieces. */
function relayed(execute: ScriptedModel['execute']): ScriptedModel {
  const config = {
    input: [{ name: 'openai_request', data_type: 'TYPE_STRING', dims: [1], optional: true }],
    output: [{ name: 'openai_response', data_type: 'TYPE_STRING', dims: [1] }],
  } as const;
  return { config, decoupled: true, execute };
}

function piece(text: string): ReturnType<typeof outputs> {
  return outputs([texts('openai_response', [text])]);
}

test('the model gets the bytes of the body, and the path', async () => {
  const model = relayed((_, respond) => respond(piece('{"id":"x"}'), true));
  await using server = await startTestServer({ m: model });
  const body = '{ "model":"m",\n "odd": [1.0, "é"] }';
  const answer = await server.post('/v1/completions', body, { Authorization: 'Bearer k' });
  assert.deepEqual([answer.status, answer.text], [200, '{"id":"x"}']);
  const [inference] = server.inferences;
  assert.deepEqual(decodeStringTensor(inference?.inputs[0]?.data ?? new Uint8Array()), [body]);
  assert.deepEqual(Object.keys(inference?.parameters ?? {}), ['triton_client_key', 'openai_path']);
  assert.equal(inference?.parameters?.['openai_path'], '/v1/completions');
});

test('an adapter is told by name', async () => {
  const model = relayed((_, respond) => respond(piece('{}'), true));
  const config = { ...model.config, parameters: { openai_adapters: { string_value: 'sql' } } };
  await using server = await startTestServer({ m: { ...model, config } });
  assert.equal((await server.post(CHAT, { model: 'm:sql' })).status, 200);
  assert.equal(server.inferences[0]?.parameters?.['lora_name'], 'sql');
});

test('a stream leaves as its pieces are cut', async () => {
  const pieces = ['data: {"a":', '1}\n\ndata: [DO', 'NE]\n\n'];
  const model = relayed((_, respond) => {
    for (const [at, text] of pieces.entries()) respond(piece(text), at === pieces.length - 1);
  });
  await using server = await startTestServer({ m: model });
  const answer = await server.post(CHAT, { model: 'm', stream: true });
  assert.equal(answer.headers.get('content-type'), 'text/event-stream; charset=utf-8');
  assert.equal(answer.text, pieces.join(''));
});

test('an engine that refuses is answered with its own status and words', async () => {
  const body = '{"error":{"message":"too long"}}';
  const model = relayed((_, respond) => {
    respond(
      failure(new InferenceServerError('INVALID_ARG', 'too long', { http: { status: 422, body } })),
      true,
    );
  });
  await using server = await startTestServer({ m: model });
  const answer = await server.post(CHAT, { model: 'm', stream: true });
  assert.deepEqual([answer.status, answer.text], [422, body]);
});

test('a full queue says when to come again', async () => {
  const model = relayed(() => {
    const http = { status: 429, retryAfterSeconds: 7 };
    throw new InferenceServerError('UNAVAILABLE', 'too many', { http });
  });
  await using server = await startTestServer({ m: model });
  const answer = await server.post(CHAT, { model: 'm' });
  assert.deepEqual([answer.status, answer.headers.get('retry-after')], [429, '7']);
  assert.equal(JSON.parse(answer.text).error.code, 'rate_limit_exceeded');
});

test('a stream that breaks ends with the error and without [DONE]', async () => {
  const model = relayed((_, respond) => {
    respond(piece('data: {"a":1}\n\n'), false);
    respond(failure(new InferenceServerError('INTERNAL', 'engine gone')), true);
  });
  await using server = await startTestServer({ m: model });
  const { events, status } = await server.post(CHAT, { model: 'm', stream: true });
  assert.equal(status, 200);
  assert.equal(events.length, 2);
  assert.equal(JSON.parse(events[1] ?? '').error.message, 'engine gone');
});

test('a stream that breaks amid an event breaks the connection', async () => {
  const model = relayed((_, respond) => {
    respond(piece('data: {"a":1}\n\ndata: {"a'), false);
    respond(failure(new InferenceServerError('INTERNAL', 'engine gone')), true);
  });
  await using server = await startTestServer({ m: model });
  await assert.rejects(server.post(CHAT, { model: 'm', stream: true }), /terminated|fetch failed/);
});

test('a stream that breaks between the lines of an event tells the error in one of its own', async () => {
  const model = relayed((_, respond) => {
    respond(piece('data: {"a":1}\n'), false);
    respond(failure(new InferenceServerError('INTERNAL', 'engine gone')), true);
  });
  await using server = await startTestServer({ m: model });
  const { text } = await server.post(CHAT, { model: 'm', stream: true });
  assert.match(text, /^data: \{"a":1\}\n\ndata: \{"error":.*engine gone.*\}\n\n$/);
});

for (const count of [0, 2]) {
  test(`${count} answers to a request without a stream are an error`, async () => {
    const model = relayed((_, respond) => {
      for (let at = 0; at < count; at += 1) respond(piece('{}'), false);
      respond(undefined, true);
    });
    await using server = await startTestServer({ m: model });
    const answer = await server.post(CHAT, { model: 'm' });
    assert.equal(answer.status, 500);
    assert.match(answer.text, new RegExp(`expected one 'openai_response' .* found ${count}`));
  });
}

test('a client that goes cancels its inference', async () => {
  let respondLater: PluginResponseHandler | undefined;
  const model = relayed((_, respond) => {
    respondLater = respond;
    respond(piece('data: {}\n\n'), false);
  });
  await using server = await startTestServer({ m: model });
  const client = request(server.url + CHAT, { method: 'POST' });
  client.on('error', () => undefined).end('{"model":"m","stream":true}');
  const [response] = await once(client, 'response');
  await once(response, 'data');
  client.destroy();
  while (server.cancelled.length === 0) await new Promise(setImmediate);
  // What still comes is let go.
  respondLater?.(piece('data: {}\n\n'), false);
  respondLater?.(undefined, true);
  assert.equal(server.cancelled.length, 1);
});

test('a model without an API is refused by name', async () => {
  await using server = await startTestServer({ m: { config: {}, execute: () => undefined } });
  const answer = await server.post(CHAT, { model: 'm' });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /model 'm' takes no OpenAI requests: it has neither/);
});
