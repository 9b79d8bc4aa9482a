import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Parameters } from '@nereid/backend-sdk';
import type { Engine } from './engine.ts';
import { readOpenAiRequest } from './openai-request.ts';
import { textRequest } from './testing/test-request.ts';

function ask(body: string, parameters: Parameters = {}, lora?: string) {
  const request = readOpenAiRequest(textRequest({ openai_request: body }, parameters), lora);
  const bytesFor = (modelName: string) => Buffer.concat(request.bodyFor({ modelName } as Engine)).toString();
  return { path: request.path, tokens: request.tokens, bytesFor };
}

const BODY = '{"model": "m", "messages": [{"role":"user","content":"hello"}], "seed": 12345678901234567890 }';

test('sends the bytes of the client where the engine has the same name for the model', () => {
  assert.equal(ask(BODY).bytesFor('m'), BODY);
});

test('changes the name alone where the engine has another one, or an adapter is asked for', () => {
  assert.equal(ask(BODY).bytesFor('other'), BODY.replace('"m"', '"other"'));
  assert.equal(ask(BODY, {}, 'doll').bytesFor('m'), BODY.replace('"m"', '"doll"'));
});

test('asks the endpoint that the body is of', () => {
  assert.equal(ask(BODY).path, '/v1/chat/completions');
  assert.equal(ask('{"input":"x"}', { openai_path: '/v1/embeddings' }).path, '/v1/embeddings');
  assert.throws(() => ask(BODY, { openai_path: '/v1/audio' }), {
    code: 'INVALID_ARG',
    message: /^parameter 'openai_path': expected one of .*, found '\/v1\/audio'$/,
  });
});

for (const body of ['', '[]', '{"model":']) {
  test(`refuses the body '${body}'`, () => {
    assert.throws(() => ask(body), { code: 'INVALID_ARG', message: /expected a JSON object/ });
  });
}

test('estimates what it will cost', () => {
  const content = [
    { type: 'text', text: 'x'.repeat(395) },
    { type: 'image_url', image_url: { url: 'data:' } },
  ];
  const body = { messages: [{ role: 'user', content }], max_completion_tokens: 10, n: 3 };
  assert.equal(ask(JSON.stringify(body)).tokens, 100 + 576 + 30);
});
