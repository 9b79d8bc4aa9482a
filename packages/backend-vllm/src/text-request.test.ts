import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameters } from '@nereid/backend-sdk';
import type { Engine } from './engine.ts';
import { resolveLora } from './lora-names.ts';
import type { Preset } from './presets.ts';
import { presetOf } from './testing/test-engine.ts';
import { textRequest, type GivenInputs } from './testing/test-request.ts';
import { readTextRequest, type TextModel } from './text-request.ts';
import { TokenTexts } from './token-texts.ts';

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]).toString('base64');
const DEFAULTS = { temperature: 1, top_p: 1, top_k: 0, min_p: 0, repetition_penalty: 1, max_tokens: 16 };

interface Options {
  readonly parameters?: Parameters;
  readonly preset?: Preset['name'];
  readonly model?: Partial<TextModel>;
}

function ask(inputs: GivenInputs, { parameters = {}, preset = 'vllm', model = {} }: Options = {}) {
  const textModel: TextModel = {
    preset: presetOf(preset),
    ignoredParameters: undefined,
    clientKeyParameter: undefined,
    trustsTemplates: false,
    texts: new TokenTexts(),
    resolveLora: (name) => resolveLora(name, new Map([['doll', '/doll']])),
    ...model,
  };
  const request = readTextRequest(textRequest(inputs, parameters), textModel);
  const body = JSON.parse(Buffer.concat(request.bodyFor({ modelName: 'm' } as Engine)).toString()) as Record<
    string,
    unknown
  >;
  return { path: request.path, body, tokens: request.tokens };
}

test('sends the prompt as it is, with the defaults of the Triton backend (LLM-03)', () => {
  const { path, body } = ask({ text_input: 'Hi "you"' });
  assert.deepEqual(
    [path, body],
    ['/v1/completions', { model: 'm', prompt: 'Hi "you"', ...DEFAULTS, stream: false }],
  );
});

test('asks for usage when it streams, after each token for those who count them where the engine can', () => {
  const stream = { text_input: 'p', stream: true };
  const counted = { ...stream, return_num_output_tokens: true };
  assert.deepEqual(ask(stream).body['stream_options'], { include_usage: true });
  assert.deepEqual(ask(counted).body['stream_options'], {
    include_usage: true,
    continuous_usage_stats: true,
  });
  assert.deepEqual(ask(counted, { preset: 'llamacpp' }).body['stream_options'], { include_usage: true });
});

test('takes sampling parameters of the input, else of the request, but for those of the server (LLM-07)', () => {
  const parameters = { max_tokens: 5, id: 'x', triton_client_key: 'k', openai_path: '/p' };
  assert.equal(ask({ text_input: 'p' }, { parameters }).body['max_tokens'], 5);
  const given = { text_input: 'p', sampling_parameters: '{"max_tokens": 7}' };
  assert.equal(ask(given, { parameters: { max_tokens: 5, nonsense: 1 } }).body['max_tokens'], 7);
});

test('leaves out parameters that the model says are not for the engine', () => {
  const parameters = { 'x-tenant': 'a', max_tokens: 5 };
  const model = { ignoredParameters: /^(?:x-.*)$/u };
  assert.equal(
    'x-tenant' in ask({ text_input: 'p' }, { parameters, model: { clientKeyParameter: 'x-tenant' } }).body,
    false,
  );
  assert.equal('x-tenant' in ask({ text_input: 'p' }, { parameters, model }).body, false);
  assert.throws(() => ask({ text_input: 'p' }, { parameters }), {
    message: "Error generating stream: sampling parameter 'x-tenant' is unknown",
  });
});

test("refuses to prepend the prompt to a stream, in Triton's words (LLM-06)", () => {
  assert.throws(() => ask({ text_input: 'p', stream: true, exclude_input_in_output: false }), {
    code: 'INVALID_ARG',
    message: 'Error generating stream: When streaming, `exclude_input_in_output` = False is not allowed.',
  });
});

test('refuses a request without a text', () => {
  assert.throws(() => ask({ stream: true }), { message: /input 'text_input' is missing/ });
});

test('asks an adapter by its name, and only one that there is (LLM-08)', () => {
  const withLora = (name: string) =>
    ask({ text_input: 'p', sampling_parameters: `{"lora_name": "${name}"}` });
  assert.equal(withLora('doll').body['model'], 'doll');
  assert.throws(() => withLora('bear'), {
    message: "LoRA bear is not supported, we currently support ['doll']",
  });
  const none = { resolveLora: (name: string) => resolveLora(name, new Map()) };
  assert.throws(() => ask({ text_input: 'p' }, { parameters: { lora_name: 'doll' }, model: none }), {
    message: 'LoRA feature is not enabled.',
  });
});

test('sends images as a chat message, with the text (LLM-03)', () => {
  const { path, body } = ask({ text_input: 'what?', image: [PNG, PNG] });
  const image = { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } };
  assert.equal(path, '/v1/chat/completions');
  assert.deepEqual(body['messages'], [
    { role: 'user', content: [{ type: 'text', text: 'what?' }, image, image] },
  ]);
  assert.equal('chat_template' in body, false);
});

test('keeps the prompt of an image as it is on an engine that takes templates', () => {
  const { body } = ask({ text_input: 'USER: <image>', image: PNG }, { model: { trustsTemplates: true } });
  assert.deepEqual(
    [body['chat_template'], body['add_generation_prompt']],
    ["{{ messages[0]['content'] }}", false],
  );
});

test('sends text as a chat message to engines without completions', () => {
  const { path, body } = ask({ text_input: 'p' }, { preset: 'openai', parameters: { logprobs: 2 } });
  assert.deepEqual(
    [path, body],
    [
      '/v1/chat/completions',
      {
        model: 'm',
        messages: [{ role: 'user', content: 'p' }],
        logprobs: true,
        top_logprobs: 2,
        stream: false,
      },
    ],
  );
});

test('asks for ids of tokens where log probabilities are wanted', () => {
  const { body } = ask({ text_input: 'p', return_logprobs: true, sampling_parameters: '{"logprobs": 3}' });
  assert.deepEqual([body['logprobs'], body['return_tokens_as_token_ids']], [3, true]);
});

test("asks for the chosen tokens' probabilities alone where only their sum is wanted", () => {
  assert.equal(ask({ text_input: 'p', return_cumulative_logprob: true }).body['logprobs'], 0);
});

test('asks what tells how many tokens each of several completions has', () => {
  const given = { text_input: 'p', return_num_output_tokens: true, sampling_parameters: '{"n": 2}' };
  assert.equal(ask(given).body['return_token_ids'], true);
  assert.equal(ask(given, { preset: 'llamacpp' }).body['logprobs'], 1);
});

test('estimates what a request will cost', () => {
  const { tokens } = ask({
    text_input: 'x'.repeat(400),
    image: PNG,
    sampling_parameters: '{"n":2,"max_tokens":50}',
  });
  assert.equal(tokens, 100 + 576 + 2 * 50);
});
