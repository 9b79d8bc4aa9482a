import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JsonObject } from '@nereid/protocol/http';
import { toChatBody } from './responses-request.ts';

const BODY = { model: 'm', input: 'hello' };
const MESSAGES = [{ role: 'user', content: 'hello' }];

test('the least request is the least chat', () => {
  assert.deepEqual(toChatBody(BODY), { model: 'm', messages: MESSAGES });
});

test('a stream asks for the usage', () => {
  const chat = toChatBody({ ...BODY, stream: true, stream_options: { include_obfuscation: false } });
  assert.deepEqual([chat['stream'], chat['stream_options']], [true, { include_usage: true }]);
});

const TRANSLATED: readonly (readonly [JsonObject, JsonObject])[] = [
  [{ max_output_tokens: 5 }, { max_tokens: 5 }],
  [{ reasoning: { effort: 'low', summary: 'auto' } }, { reasoning_effort: 'low' }],
  [{ text: { format: { type: 'text' }, verbosity: 'low' } }, { verbosity: 'low' }],
  [{ text: { format: { type: 'json_object' } } }, { response_format: { type: 'json_object' } }],
  [
    { text: { format: { type: 'json_schema', name: 'n', strict: true, schema: { type: 'object' } } } },
    {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', strict: true, schema: { type: 'object' } },
      },
    },
  ],
  [
    {
      tools: [{ type: 'function', name: 'f', parameters: {}, strict: true }],
      tool_choice: { type: 'function', name: 'f' },
    },
    {
      tools: [{ type: 'function', function: { name: 'f', parameters: {}, strict: true } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
    },
  ],
  [{ tools: [], tool_choice: 'auto' }, {}],
  [{ include: ['message.output_text.logprobs'] }, { logprobs: true }],
  [{ top_logprobs: 3 }, { logprobs: true, top_logprobs: 3 }],
  [
    { temperature: 0, top_p: 0.5, parallel_tool_calls: false, user: 'u', top_k: 3, seed: null },
    { temperature: 0, top_p: 0.5, parallel_tool_calls: false, user: 'u', top_k: 3 },
  ],
  [
    { store: true, metadata: { a: 'b' }, background: false, truncation: 'disabled', service_tier: 'auto' },
    {},
  ],
];

for (const [fields, chat] of TRANSLATED) {
  test(`${JSON.stringify(fields)} becomes ${JSON.stringify(chat)}`, () => {
    assert.deepEqual(toChatBody({ ...BODY, ...fields }), { model: 'm', messages: MESSAGES, ...chat });
  });
}

const REFUSED: readonly (readonly [JsonObject, RegExp])[] = [
  [{ previous_response_id: 'resp_1' }, /^'previous_response_id' is not supported: responses are not stored/],
  [{ conversation: 'c' }, /^'conversation' is not supported/],
  [{ prompt: { id: 'p' } }, /^'prompt' is not supported/],
  [{ background: true }, /^'background' must be false, found true$/],
  [{ truncation: 'auto' }, /^'truncation' must be "disabled", found "auto"$/],
  [{ service_tier: 'flex' }, /^'service_tier' must be "auto" or "default", found "flex"$/],
  [
    { tools: [{ type: 'web_search' }] },
    /^'tools\[0\]\.type' must be 'function', as there are no built-in tools/,
  ],
  [{ tool_choice: { type: 'mcp' } }, /^'tool_choice' must be 'auto', 'none', 'required' or a function/],
  [{ text: { format: { type: 'grammar' } } }, /^'text\.format\.type' must be .* found "grammar"$/],
  [{ include: ['file_search_call.results'] }, /^'include' must be a list of/],
];

for (const [fields, message] of REFUSED) {
  test(`refuses ${JSON.stringify(fields)}`, () => {
    assert.throws(() => toChatBody({ ...BODY, ...fields }), { code: 'INVALID_ARG', message });
  });
}
