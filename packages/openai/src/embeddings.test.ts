import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTensor } from '@nereid/backend-sdk';
import { decodeStringTensor } from '@nereid/protocol';
import { outputs, startTestServer, type ScriptedModel } from './testing/test-server.ts';

const PATH = '/v1/embeddings';

/** The vector of a text: its length, and a half. */
function lengths(maxBatchSize: number): ScriptedModel {
  return {
    config: {
      max_batch_size: maxBatchSize,
      input: [
        { name: 'text', data_type: 'TYPE_STRING', dims: [1] },
        { name: 'scale', data_type: 'TYPE_FP32', dims: [1], optional: true },
      ],
      output: [{ name: 'vector', data_type: 'TYPE_FP32', dims: [2] }],
      parameters: {
        openai_api: { string_value: 'embeddings' },
        openai_input: { string_value: 'text' },
        openai_output: { string_value: 'vector' },
      },
    },
    execute: ({ inputs: [text] }, respond) => {
      const rows = decodeStringTensor(text?.data ?? new Uint8Array());
      const values = Float32Array.from(rows.flatMap((row) => [row.length, 0.5]));
      respond(
        outputs([createTensor('vector', 'FP32', [rows.length, 2], values)], { prompt_tokens: rows.length }),
        true,
      );
    },
  };
}

test('each text has its vector, in batches as large as the model takes', async () => {
  await using server = await startTestServer({ m: lengths(2) });
  const answer = await server.post(PATH, { model: 'm', input: ['a', 'bb', 'ccc'] });
  assert.deepEqual(JSON.parse(answer.text), {
    object: 'list',
    data: [1, 2, 3].map((length, index) => ({ object: 'embedding', index, embedding: [length, 0.5] })),
    model: 'm',
    usage: { prompt_tokens: 3, total_tokens: 3 },
  });
  assert.deepEqual(
    server.inferences.map(({ inputs }) => inputs[0]?.shape),
    [
      [2, 1],
      [1, 1],
    ],
  );
});

test('a model that does not batch is asked once for each text', async () => {
  await using server = await startTestServer({ m: lengths(0) });
  const answer = await server.post(PATH, { model: 'm', input: Array.from({ length: 20 }, () => 'x') });
  assert.equal(JSON.parse(answer.text).data.length, 20);
  assert.deepEqual(server.inferences.length, 20);
  assert.deepEqual(server.inferences[0]?.inputs[0]?.shape, [1]);
});

test('base64 is the bytes of the numbers', async () => {
  await using server = await startTestServer({ m: lengths(2) });
  const answer = await server.post(PATH, { model: 'm', input: 'abc', encoding_format: 'base64' });
  const bytes = Buffer.from(JSON.parse(answer.text).data[0].embedding, 'base64');
  assert.deepEqual([bytes.readFloatLE(0), bytes.readFloatLE(4), bytes.length], [3, 0.5, 8]);
});

test('another input is the same for all texts', async () => {
  await using server = await startTestServer({ m: lengths(4) });
  await server.post(PATH, { model: 'm', input: ['a', 'b', 'c'], scale: 2 });
  const scale = server.inferences[0]?.inputs[1];
  assert.deepEqual(scale?.shape, [3, 1]);
  assert.deepEqual([...new Float32Array(new Uint8Array(scale?.data ?? []).buffer)], [2, 2, 2]);
});

const REFUSED: readonly (readonly [object, RegExp])[] = [
  [{ input: [1, 2] }, /'input' must be a text or a list of texts, found a list/],
  [{ input: Array.from({ length: 2049 }, () => 'x') }, /'input' must have at most 2048 texts, found 2049/],
  [{ encoding_format: 'hex' }, /'encoding_format' must be 'float' or 'base64', found \\"hex\\"/],
  [{ dimensions: 4 }, /model 'm' does not take 'dimensions'/],
];

for (const [fields, message] of REFUSED) {
  test(`refuses ${JSON.stringify(fields)}`, async () => {
    await using server = await startTestServer({ m: lengths(2) });
    const answer = await server.post(PATH, { model: 'm', input: 'x', ...fields });
    assert.equal(answer.status, 400);
    assert.match(answer.text, message);
  });
}

test('a model that does not answer is an error', async () => {
  const silent: ScriptedModel = { ...lengths(2), execute: (_, respond) => respond(undefined, true) };
  await using server = await startTestServer({ m: silent });
  const answer = await server.post(PATH, { model: 'm', input: 'x' });
  assert.equal(answer.status, 500);
  assert.match(answer.text, /model 'm' ended without an answer/);
});
