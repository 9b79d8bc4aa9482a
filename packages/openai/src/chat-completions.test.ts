import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTensor, type Init, type ModelConfig } from '@nereid/backend-sdk';
import { decodeStringTensor, InferenceServerError } from '@nereid/protocol';
import { failure, outputs, startTestServer, texts, type ScriptedModel } from './testing/test-server.ts';

const PATH = '/v1/chat/completions';
const HELLO = { model: 'm', messages: [{ role: 'user', content: 'hello' }] };

const INPUT = [
  { name: 'text', data_type: 'TYPE_STRING', dims: [1] },
  { name: 'image', data_type: 'TYPE_STRING', dims: [-1], optional: true },
  { name: 'top_k', data_type: 'TYPE_INT32', dims: [1], optional: true },
  { name: 'tools', data_type: 'TYPE_STRING', dims: [1], optional: true },
] as const;

/** A model that says each of its words in a response of its own. */
function talker(words: readonly string[], config: Init<ModelConfig> = {}, parameters = {}): ScriptedModel {
  return {
    decoupled: true,
    config: {
      input: INPUT,
      output: [{ name: 'said', data_type: 'TYPE_STRING', dims: [1] }],
      ...config,
      parameters: {
        openai_api: { string_value: 'chat' },
        openai_input: { string_value: 'text' },
        openai_output: { string_value: 'said' },
        ...config.parameters,
      },
    },
    execute: (_, respond) => {
      for (const word of words) respond(outputs([texts('said', [word])]), false);
      respond(outputs([], parameters), true);
    },
  };
}

test('all texts of the model are one message', async () => {
  const parameters = { finish_reason: 'length', prompt_tokens: 3, completion_tokens: 2 };
  await using server = await startTestServer({ m: talker(['one ', 'two'], {}, parameters) });
  const answer = await server.post(PATH, HELLO);
  const { id, created, ...rest } = JSON.parse(answer.text);
  assert.match(id, /^chatcmpl-[0-9a-f-]{36}$/);
  assert.ok(Math.abs(created - Date.now() / 1000) < 60);
  assert.deepEqual(rest, {
    object: 'chat.completion',
    model: 'm',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: 'one two', refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });
});

test('a stream begins with the role, has a chunk for each text, and ends with the reason and the usage', async () => {
  await using server = await startTestServer({ m: talker(['one ', '', 'two'], {}, { prompt_tokens: 3 }) });
  const body = { ...HELLO, stream: true, stream_options: { include_usage: true } };
  const { events } = await server.post(PATH, body);
  assert.equal(events.at(-1), '[DONE]');
  const chunks = events.slice(0, -1).map((event) => JSON.parse(event));
  assert.deepEqual(
    chunks.map(({ choices: [choice] }) => choice && [choice.delta, choice.finish_reason]),
    [
      [{ role: 'assistant', content: '' }, null],
      [{ content: 'one ' }, null],
      [{ content: 'two' }, null],
      [{}, 'stop'],
      undefined,
    ],
  );
  assert.deepEqual(
    chunks.map(({ usage }) => usage?.prompt_tokens ?? null),
    [null, null, null, null, 3],
  );
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
});

test('chunks have no usage when it is not wanted', async () => {
  await using server = await startTestServer({ m: talker(['one']) });
  const { events } = await server.post(PATH, { ...HELLO, stream: true });
  assert.equal(events.length, 4);
  assert.ok(events.every((event) => !event.includes('usage')));
});

test("a model gets the last user's text, images and fields that name its inputs; the rest as parameters", async () => {
  await using server = await startTestServer({ m: talker(['ok']) });
  const url = 'data:image/png;base64,AAEC';
  const parts = [
    { type: 'text', text: 'what is' },
    { type: 'image_url', image_url: { url } },
    { type: 'text', text: 'this?' },
  ];
  const tools = [{ type: 'function', function: { name: 'f' } }];
  const answer = await server.post(PATH, {
    ...HELLO,
    messages: [...HELLO.messages, { role: 'assistant', content: 'hi' }, { role: 'user', content: parts }],
    ...{ top_k: 40, temperature: 0.5, n: 1, user: null, tools },
  });
  assert.equal(answer.status, 200, answer.text);
  const [inference] = server.inferences;
  const input = (name: string): Uint8Array | undefined =>
    inference?.inputs.find((tensor) => tensor.name === name)?.data;
  assert.deepEqual(decodeStringTensor(input('text') ?? new Uint8Array()), ['what is\nthis?']);
  assert.deepEqual(decodeStringTensor(input('image') ?? new Uint8Array()), ['AAEC']);
  assert.deepEqual(decodeStringTensor(input('tools') ?? new Uint8Array()), [JSON.stringify(tools)]);
  assert.deepEqual(input('top_k'), createTensor('top_k', 'INT32', [1], new Int32Array([40])).data);
  assert.deepEqual({ ...inference?.parameters }, { temperature: 0.5, openai_path: PATH });
});

test("with 'messages' as format the input gets the whole chat as JSON", async () => {
  const config = { input: [INPUT[0]], parameters: { openai_format: { string_value: 'messages' } } };
  await using server = await startTestServer({ m: talker(['ok'], config) });
  const messages = [{ role: 'system', content: 'be short' }, ...HELLO.messages];
  await server.post(PATH, { model: 'm', messages });
  const [text = ''] = decodeStringTensor(server.inferences[0]?.inputs[0]?.data ?? new Uint8Array());
  assert.deepEqual(JSON.parse(text), messages);
});

const REFUSED: readonly (readonly [object, string, string])[] = [
  [{ messages: undefined }, 'messages', "'messages' must be a list, found nothing"],
  [{ messages: [] }, 'messages', "'messages' must be a list of at least one message, found a list"],
  [{ messages: ['x'] }, 'messages[0]', '\'messages[0]\' must be an object, found "x"'],
  [
    { messages: [{ role: 'system', content: 'x' }] },
    'messages',
    "'messages' must have one whose role is 'user', found none",
  ],
  [{ n: 2 }, 'n', "model 'm' does not take 'n': it has no input of that name"],
  [{ logprobs: true }, 'logprobs', "model 'm' does not take 'logprobs': it has no input of that name"],
  [
    { response_format: { type: 'json_object' } },
    'response_format',
    "model 'm' does not take 'response_format': it has no input of that name",
  ],
  [{ stop: ['a'] }, 'stop', "model 'm' does not take 'stop': it has no input of that name"],
  [
    { stream_options: { include_usage: true } },
    'stream_options',
    '\'stream_options\' is only for requests with "stream": true',
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'input_audio' }] }] },
    'messages[0].content[0].type',
    "'messages[0].content[0].type' must be 'text' or 'image_url', found \"input_audio\"",
  ],
  [
    { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://x/y' } }] }] },
    'messages[0].content[0].image_url.url',
    "'messages[0].content[0].image_url.url' must be 'data:image/…;base64,…', found \"http://x/y\"",
  ],
];

for (const [fields, param, message] of REFUSED) {
  test(`refuses ${JSON.stringify(fields)}`, async () => {
    await using server = await startTestServer({ m: talker(['ok']) });
    const answer = await server.post(PATH, { ...HELLO, ...fields });
    assert.equal(answer.status, 400);
    assert.deepEqual(JSON.parse(answer.text).error, {
      message,
      type: 'invalid_request_error',
      param,
      code: null,
    });
    assert.equal(server.inferences.length, 0);
  });
}

test('a field of the wrong type for its input is refused', async () => {
  await using server = await startTestServer({ m: talker(['ok']) });
  const answer = await server.post(PATH, { ...HELLO, top_k: 'many' });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /model 'm': /);
});

test('what fails before the first text has a status, what fails after it is an event', async () => {
  const broken = new InferenceServerError('INTERNAL', 'out of words');
  const failing = (words: readonly string[]): ScriptedModel => ({
    ...talker([]),
    execute: (_, respond) => {
      for (const word of words) respond(outputs([texts('said', [word])]), false);
      respond(failure(broken), true);
    },
  });
  await using server = await startTestServer({ m: failing([]), late: failing(['a']) });
  assert.equal((await server.post(PATH, { ...HELLO, stream: true })).status, 500);
  const { status, events } = await server.post(PATH, { ...HELLO, model: 'late', stream: true });
  assert.equal(status, 200);
  assert.equal(JSON.parse(events.at(-1) ?? '').error.message, 'out of words');
  assert.equal((await server.post(PATH, { ...HELLO, model: 'late' })).status, 500);
});

test('an endpoint that the model does not serve is refused', async () => {
  await using server = await startTestServer({ m: talker(['ok']) });
  const answer = await server.post('/v1/embeddings', { model: 'm', input: 'x' });
  assert.equal(answer.status, 400);
  assert.match(
    answer.text,
    /model 'm' does not serve \/v1\/embeddings: its parameter 'openai_api' is 'chat'/,
  );
});
