import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStringTensor, InferenceServerError } from '@nereid/protocol';
import { failure, outputs, startTestServer, texts, type ScriptedModel } from './testing/test-server.ts';

const PATH = '/v1/responses';

/** A model that takes bodies whole and answers with pieces of text. */
function relayed(pieces: readonly string[], error?: InferenceServerError): ScriptedModel {
  return {
    decoupled: true,
    config: {
      input: [{ name: 'openai_request', data_type: 'TYPE_STRING', dims: [1] }],
      output: [{ name: 'openai_response', data_type: 'TYPE_STRING', dims: [1] }],
    },
    execute: (_, respond) => {
      for (const piece of pieces) respond(outputs([texts('openai_response', [piece])]), false);
      respond(error === undefined ? undefined : failure(error), true);
    },
  };
}

function chunk(content: string, reason: string | null = null): string {
  return `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: reason }] })}\n\n`;
}

test('the model is asked for a chat, and its answer becomes a response', async () => {
  const chat = { choices: [{ message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] };
  await using server = await startTestServer({ m: relayed([JSON.stringify(chat)]) });
  const answer = await server.post(PATH, { model: 'm', input: 'hello', max_output_tokens: 5 });
  const response = JSON.parse(answer.text);
  assert.deepEqual([response.object, response.status], ['response', 'completed']);
  assert.equal(response.output[0].content[0].text, 'hi');
  const [inference] = server.inferences;
  assert.equal(inference?.parameters?.['openai_path'], '/v1/chat/completions');
  const [body = ''] = decodeStringTensor(inference?.inputs[0]?.data ?? new Uint8Array());
  assert.deepEqual(JSON.parse(body), {
    model: 'm',
    messages: [{ role: 'user', content: 'hello' }],
    max_tokens: 5,
  });
});

test('a stream is translated wherever its pieces are cut', async () => {
  const whole = `${chunk('one ')}${chunk('twö', 'stop')}data: [DONE]\n\n`;
  const bytes = Array.from({ length: Math.ceil(whole.length / 7) }, (_, at) =>
    whole.slice(at * 7, at * 7 + 7),
  );
  await using server = await startTestServer({ m: relayed(bytes) });
  const answer = await server.post(PATH, { model: 'm', input: 'hello', stream: true });
  assert.match(answer.text, /^event: response\.created\ndata: \{/);
  const last = JSON.parse(answer.events.at(-1) ?? '');
  assert.equal(last.type, 'response.completed');
  assert.equal(last.response.output[0].content[0].text, 'one twö');
});

test('a model that is mapped can be asked, too', async () => {
  const model: ScriptedModel = {
    decoupled: true,
    config: {
      input: [{ name: 'text', data_type: 'TYPE_STRING', dims: [1] }],
      output: [{ name: 'said', data_type: 'TYPE_STRING', dims: [1] }],
      parameters: {
        openai_api: { string_value: 'chat' },
        openai_input: { string_value: 'text' },
        openai_output: { string_value: 'said' },
      },
    },
    execute: (_, respond) => respond(outputs([texts('said', ['hi'])], { prompt_tokens: 4 }), true),
  };
  await using server = await startTestServer({ m: model });
  for (const stream of [false, true]) {
    const answer = await server.post(PATH, { model: 'm', input: 'hello', stream });
    const response = stream ? JSON.parse(answer.events.at(-1) ?? '').response : JSON.parse(answer.text);
    assert.equal(response.output[0].content[0].text, 'hi');
    assert.equal(response.usage.input_tokens, 4);
  }
});

test('large images reach the model, and fields with them the answer', async () => {
  const chat = { choices: [{ message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] };
  await using server = await startTestServer({ m: relayed([JSON.stringify(chat)]) });
  const image_url = `data:image/png;base64,${'iVBO'.repeat(100_000)}`;
  const input = [{ role: 'user', content: [{ type: 'input_image', image_url }] }];
  for (const fields of [{}, { instructions: image_url }]) {
    const answer = await server.post(PATH, { model: 'm', input, ...fields });
    assert.equal(JSON.parse(answer.text).instructions, fields.instructions ?? null);
    const [body = ''] = decodeStringTensor(server.inferences.at(-1)?.inputs[0]?.data ?? new Uint8Array());
    const { messages } = JSON.parse(body);
    assert.deepEqual(messages.at(-1), {
      role: 'user',
      content: [{ type: 'image_url', image_url: { url: image_url } }],
    });
    assert.equal(messages.length, Object.keys(fields).length + 1);
  }
});

const LOST = new InferenceServerError('UNAVAILABLE', 'engine gone');

test('what fails before the first event has a status', async () => {
  await using server = await startTestServer({ m: relayed([], LOST) });
  for (const stream of [false, true]) {
    assert.equal((await server.post(PATH, { model: 'm', input: 'x', stream })).status, 503);
  }
});

const BROKEN: readonly (readonly [string, ScriptedModel, RegExp])[] = [
  ['an error of the server', relayed([chunk('a')], LOST), /^engine gone$/],
  ['an error in the stream', relayed([chunk('a'), 'data: {"error":{"message":"oops"}}\n\n']), /^oops$/],
  ['no end', relayed([chunk('a')]), /^the stream of the model ended too early$/],
  ['what is no JSON', relayed([chunk('a'), 'data: {\n\n']), /^the model answered with what is no JSON$/],
];

for (const [what, model, message] of BROKEN) {
  test(`a stream with ${what} is a failed response`, async () => {
    await using server = await startTestServer({ m: model });
    const { events } = await server.post(PATH, { model: 'm', input: 'x', stream: true });
    const last = JSON.parse(events.at(-1) ?? '');
    assert.equal(last.type, 'response.failed');
    assert.match(last.response.error.message, message);
    assert.equal(events.filter((event) => event.includes('response.failed')).length, 1);
  });
}

test('a field that is not supported is named', async () => {
  await using server = await startTestServer({ m: relayed([]) });
  const answer = await server.post(PATH, { model: 'm', input: 'x', previous_response_id: 'resp_1' });
  assert.equal(answer.status, 400);
  assert.equal(JSON.parse(answer.text).error.param, 'previous_response_id');
});
