import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStringTensor, InferenceServerError } from '@nereid/protocol';
import { failure, outputs, startTestServer, texts, type ScriptedModel } from './testing/test-server.ts';

const PATH = '/v1/completions';

/** Says its prompt again, in capitals, in two pieces. */
const LOUD: ScriptedModel = {
  decoupled: true,
  config: {
    input: [{ name: 'prompt', data_type: 'TYPE_STRING', dims: [1] }],
    output: [{ name: 'said', data_type: 'TYPE_STRING', dims: [1] }],
    parameters: {
      openai_api: { string_value: 'completions' },
      openai_input: { string_value: 'prompt' },
      openai_output: { string_value: 'said' },
    },
  },
  execute: ({ inputs: [prompt] }, respond) => {
    const [text = ''] = decodeStringTensor(prompt?.data ?? new Uint8Array());
    respond(outputs([texts('said', [text.toUpperCase()])]), false);
    respond(outputs([texts('said', ['!'])], { prompt_tokens: 2, completion_tokens: 3 }), true);
  },
};

test('a prompt has one choice, a list of prompts one for each', async () => {
  await using server = await startTestServer({ m: LOUD });
  const one = JSON.parse((await server.post(PATH, { model: 'm', prompt: 'a b' })).text);
  assert.equal(one.object, 'text_completion');
  assert.match(one.id, /^cmpl-/);
  assert.deepEqual(one.choices, [{ index: 0, text: 'A B!', logprobs: null, finish_reason: 'stop' }]);
  const two = JSON.parse((await server.post(PATH, { model: 'm', prompt: ['a', 'b'] })).text);
  assert.deepEqual(
    two.choices.map(({ index, text }: { index: number; text: string }) => [index, text]),
    [
      [0, 'A!'],
      [1, 'B!'],
    ],
  );
  assert.deepEqual(two.usage, { prompt_tokens: 4, completion_tokens: 6, total_tokens: 10 });
});

test('the chunks of a stream say whose text they hold', async () => {
  await using server = await startTestServer({ m: LOUD });
  const { events } = await server.post(PATH, { model: 'm', prompt: ['a', 'b'], stream: true });
  assert.equal(events.at(-1), '[DONE]');
  const said = ['', ''];
  const reasons: (string | null)[] = [];
  for (const event of events.slice(0, -1)) {
    const [{ index, text, finish_reason: reason }] = JSON.parse(event).choices;
    said[index] += text;
    if (reason !== null) reasons[index] = reason;
  }
  assert.deepEqual(said, ['A!', 'B!']);
  assert.deepEqual(reasons, ['stop', 'stop']);
});

for (const stream of [false, true]) {
  test(`a prompt that fails takes those beside it with it${stream ? ', in a stream' : ''}`, async () => {
    // The first one never ends by itself.
    const model: ScriptedModel = {
      ...LOUD,
      execute: ({ inputs: [prompt] }, respond) => {
        const [text] = decodeStringTensor(prompt?.data ?? new Uint8Array());
        if (text === 'endless') respond(outputs([texts('said', ['a'])]), false);
        else respond(failure(new InferenceServerError('INTERNAL', 'no luck')), true);
      },
    };
    await using server = await startTestServer({ m: model });
    const answer = await server.post(PATH, { model: 'm', prompt: ['endless', 'bad'], stream });
    assert.match(answer.text, /no luck/);
    assert.equal(answer.status, stream ? 200 : 500);
    assert.deepEqual(
      server.cancelled.map(({ inputs: [prompt] }) => decodeStringTensor(prompt?.data ?? new Uint8Array())),
      [['endless']],
    );
  });
}

for (const prompt of [undefined, [], [1, 2], [[1], [2]], 7]) {
  test(`refuses ${JSON.stringify(prompt) ?? 'no prompt'}`, async () => {
    await using server = await startTestServer({ m: LOUD });
    const answer = await server.post(PATH, { model: 'm', prompt });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /'prompt' must be a text or a list of texts, found/);
  });
}
