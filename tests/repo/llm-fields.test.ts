/** docs/reference/llm-fields.md: every field that OpenAI's client knows has a row, and each row says what happens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { createModelConfig } from '@nereid/backend-sdk';
import type { JsonObject, JsonValue } from '@nereid/protocol/http';
import { completeModelConfig } from '../../packages/backend-vllm/src/model-io.ts';
import { findPreset } from '../../packages/backend-vllm/src/presets.ts';
import { readSamplingParameters } from '../../packages/backend-vllm/src/sampling-parameters.ts';
import { toChatBody } from '../../packages/openai/src/responses-request.ts';
import { startTestServer, type ScriptedModel } from '../../packages/openai/src/testing/test-server.ts';
import { ROOT } from './package-manifest.ts';

const PAGE = readFileSync(join(ROOT, 'docs/reference/llm-fields.md'), 'utf8');
const CLIENT = dirname(createRequire(join(ROOT, 'tests/package.json')).resolve('openai'));

interface Row {
  readonly field: string;
  readonly example: JsonValue;
  readonly status: string;
}

/** The table below a heading. */
function rowsOf(heading: string): readonly Row[] {
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  return [...section.matchAll(/^\| `(\w+)` \| `(.+?)` \| (.+?) \|$/gm)].map(
    ([, field = '', example = '', status = '']) => ({ field, example: JSON.parse(example), status }),
  );
}

/** The members of an interface of the client's declarations. */
function fieldsOf(file: string, name: string): readonly string[] {
  const text = readFileSync(join(CLIENT, 'resources', file), 'utf8');
  const start = text.search(new RegExp(`^export interface ${name}\\b`, 'm'));
  assert.ok(start >= 0, `${file} has no ${name}`);
  const body = text.slice(start, text.indexOf('\n}', start));
  return [...body.matchAll(/^ {4}(\w+)\??: /gm)].map(([, field = '']) => field);
}

const ENDPOINTS = [
  ['POST /v1/chat/completions', 'chat/completions/completions.d.ts', 'ChatCompletionCreateParamsBase'],
  ['POST /v1/completions', 'completions.d.ts', 'CompletionCreateParamsBase'],
  ['POST /v1/embeddings', 'embeddings.d.ts', 'EmbeddingCreateParams'],
  ['POST /v1/responses', 'responses/responses.d.ts', 'ResponseCreateParamsBase'],
] as const;

for (const [heading, file, name] of ENDPOINTS) {
  test(`${heading}: every field of the client has a row, and every row is a field`, () => {
    const rows = rowsOf(heading).map(({ field }) => field);
    assert.deepEqual([...rows].sort(), [...fieldsOf(file, name)].sort());
  });
}

/** A mapped model that takes all inferences, and answers none. */
function mapped(api: string): ScriptedModel {
  const isText = api !== 'embeddings';
  return {
    config: {
      max_batch_size: isText ? 0 : 8,
      input: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [1] }],
      output: [{ name: 'OUT', data_type: isText ? 'TYPE_STRING' : 'TYPE_FP32', dims: [1] }],
      parameters: {
        openai_api: { string_value: api },
        openai_input: { string_value: 'TEXT' },
        openai_output: { string_value: 'OUT' },
      },
    },
    execute: (_, respond) => respond(undefined, true),
  };
}

/** The least that each endpoint takes. */
const LEAST = {
  'POST /v1/chat/completions': { api: 'chat', body: { messages: [{ role: 'user', content: 'hi' }] } },
  'POST /v1/completions': { api: 'completions', body: { prompt: 'hi' } },
  'POST /v1/embeddings': { api: 'embeddings', body: { input: 'hi' } },
} as const;

for (const [heading, { api, body: least }] of Object.entries(LEAST)) {
  describe(heading, () => {
    for (const { field, example, status } of rowsOf(heading)) {
      test(`'${field}' of a mapped model: ${status}`, async () => {
        await using server = await startTestServer({ m: mapped(api) });
        const needed = field === 'stream_options' ? { stream: true } : {};
        const body = { model: 'm', ...least, ...needed, [field]: example };
        const answer = await server.post(heading.replace('POST ', ''), body);
        const [inference] = server.inferences;
        if (status === 'input') {
          assert.equal(answer.status, 400, answer.text);
          assert.equal(JSON.parse(answer.text).error.param, field);
        } else {
          assert.ok(inference !== undefined, answer.text);
          assert.deepEqual(inference.parameters?.[field], status === 'parameter' ? example : undefined);
        }
      });
    }
  });
}

describe('POST /v1/responses', () => {
  const least: JsonObject = { model: 'm', input: 'hi' };
  const chatOf = (fields: JsonObject): JsonObject => toChatBody({ ...least, ...fields });
  for (const { field, example, status } of rowsOf('POST /v1/responses')) {
    test(`'${field}' in the chat: ${status}`, () => {
      if (status === 'refused') {
        assert.throws(() => chatOf({ [field]: example }), new RegExp(`'${field}'`));
        return;
      }
      // What makes no sense without a tool to choose.
      const needed: JsonObject = field === 'tool_choice' ? { tools: [{ type: 'function', name: 'f' }] } : {};
      const [without, chat] = [
        chatOf({ ...needed, input: 'other' }),
        chatOf({ ...needed, [field]: example }),
      ];
      const name = status === 'as it is' ? field : status.replaceAll('`', '');
      if (status === 'no effect') assert.deepEqual(chat, chatOf({}));
      else if (status === 'as it is') assert.deepEqual(chat[name], example);
      else assert.notDeepEqual(chat[name], without[name]);
    });
  }
});

describe('The vLLM backend over V2', () => {
  const heading = 'The vLLM backend over V2';
  const vllm = findPreset('vllm');
  const section = PAGE.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';

  /** `name: datatype [dims]` of the rows of a table. */
  const tensorsOf = (kind: string): readonly string[] => {
    const table = section.split(`| ${kind} |`)[1]?.split('\n\n')[0] ?? '';
    return [...table.matchAll(/^\| `(\w+)` \| (\w+ \[.+?\]) \|/gm)].map(
      ([, name, type]) => `${name}: ${type}`,
    );
  };

  test('its inputs and outputs are the rows of the tables', () => {
    const completed = completeModelConfig(createModelConfig({ name: 'm' }));
    for (const kind of ['input', 'output'] as const) {
      const expected = (completed[kind] ?? []).map(
        ({ name, data_type: type, dims }) => `${name}: ${type.replace('TYPE_', '')} [${dims.join()}]`,
      );
      assert.deepEqual(tensorsOf(kind), expected);
    }
  });

  test('every sampling parameter that vLLM has has a row', () => {
    const rows = rowsOf(heading).map(({ field, status }) =>
      status.startsWith('`') ? status : `\`${field}\``,
    );
    for (const name of vllm?.sampling ?? []) assert.ok(rows.includes(`\`${name}\``), name);
    assert.ok(rows.length > 20);
  });

  for (const { field, example, status } of rowsOf(heading)) {
    test(`sampling parameter '${field}': ${status}`, () => {
      assert.ok(vllm !== undefined);
      const read = (): JsonObject => readSamplingParameters([[field, example]], vllm).body as JsonObject;
      if (status === 'refused') assert.throws(read, new RegExp(`'${field}'`));
      else assert.deepEqual(read()[status === 'as it is' ? field : status.replaceAll('`', '')], example);
    });
  }
});
