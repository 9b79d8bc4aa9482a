import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig, type Init, type ModelConfig } from '@nereid/backend-sdk';
import { ModelApis, readModelApi } from './model-api.ts';

function mapped(
  parameters: Readonly<Record<string, string>>,
  more: Init<ModelConfig> = {},
): ReturnType<typeof createModelConfig> {
  return createModelConfig({
    name: 'm',
    input: [
      { name: 'text', data_type: 'TYPE_STRING', dims: [1] },
      { name: 'size', data_type: 'TYPE_INT32', dims: [1] },
    ],
    output: [
      { name: 'answer', data_type: 'TYPE_STRING', dims: [1] },
      { name: 'vector', data_type: 'TYPE_FP32', dims: [-1] },
    ],
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([key, value]) => [key, { string_value: value }]),
    ),
    ...more,
  });
}

const CHAT = { openai_api: 'chat, completions', openai_input: 'text', openai_output: 'answer' };

test('a model with both tensors takes bodies whole', () => {
  const config = createModelConfig({
    name: 'm',
    input: [{ name: 'openai_request', data_type: 'TYPE_STRING', dims: [1], optional: true }],
    output: [{ name: 'openai_response', data_type: 'TYPE_STRING', dims: [1] }],
  });
  assert.deepEqual(readModelApi(config), { kind: 'relay' });
});

test('parameters name the endpoints and the tensors', () => {
  const api = readModelApi(mapped({ ...CHAT, openai_format: 'messages' }));
  assert.deepEqual(api, {
    kind: 'mapped',
    mapping: {
      apis: ['chat', 'completions'],
      input: { name: 'text', datatype: 'BYTES', dims: [1] },
      output: { name: 'answer', datatype: 'BYTES', dims: [1] },
      format: 'messages',
    },
  });
});

const WRONG: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
  [{ openai_api: 'chats' }, "'openai_api': expected chat, completions, embeddings, found 'chats'"],
  [{ openai_api: 'chat,embeddings' }, "'openai_api': expected 'embeddings' alone or without it, found both"],
  [{ openai_input: 'prompt' }, "'openai_input': expected one of text, size, found 'prompt'"],
  [{ openai_input: 'size' }, "'openai_input': expected a tensor of BYTES, found 'size' of INT32"],
  [{ openai_input: '' }, "'openai_input': expected a value, found none"],
  [{ openai_output: 'vector' }, "'openai_output': expected a tensor of BYTES, found 'vector' of FP32"],
  [
    { openai_api: 'embeddings' },
    "'openai_output': expected a tensor of FP32, FP16, FP64, found 'answer' of BYTES",
  ],
  [{ openai_format: 'jinja' }, "'openai_format': expected text or messages, found 'jinja'"],
];

for (const [parameters, message] of WRONG) {
  test(`says what is wrong with ${JSON.stringify(parameters)}`, () => {
    const api = readModelApi(mapped({ ...CHAT, ...parameters }));
    assert.equal(api.kind === 'none' && api.error.message, `model 'm', parameter ${message}`);
  });
}

test('a wrong declaration is logged once, a model without any not at all', () => {
  const warnings: string[] = [];
  const ignore = (): void => undefined;
  const apis = new ModelApis({
    verbose: ignore,
    info: ignore,
    error: ignore,
    warning: (text) => warnings.push(text),
  });
  for (const config of [mapped({ ...CHAT, openai_api: 'chats' }), mapped({})]) {
    const model = { name: 'm', version: '1', config, decoupled: false };
    assert.equal(apis.of(model).kind, 'none');
    apis.of(model);
  }
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? '', /found 'chats'/);
});
