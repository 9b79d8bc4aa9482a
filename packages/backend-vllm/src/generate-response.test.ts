import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeStrings, tensorView, type Tensor } from '@nereid/backend-sdk';
import type { GenerateRequest, WantedOutputs } from './generate-request.ts';
import { GenerateResponses } from './generate-response.ts';

const ALL: WantedOutputs = {
  finishReason: true,
  cumulativeLogprob: true,
  logprobs: true,
  numInputTokens: true,
  numOutputTokens: true,
};
const NONE: WantedOutputs = {
  finishReason: false,
  cumulativeLogprob: false,
  logprobs: false,
  numInputTokens: false,
  numOutputTokens: false,
};

interface Given {
  readonly n?: number;
  readonly isStream?: boolean;
  readonly wanted?: WantedOutputs;
  readonly prependsPrompt?: boolean;
  readonly logprobs?: number;
}

function responses({ n = 1, isStream = true, wanted = NONE, prependsPrompt = false, logprobs }: Given) {
  const sampling = { body: { logprobs }, n, maxTokens: undefined, loraName: undefined };
  const request: GenerateRequest = { prompt: 'p: ', images: [], isStream, prependsPrompt, wanted, sampling };
  return new GenerateResponses(request, (id) => `<${id}>`);
}

/** Outputs by name, as plain values. */
function respond(to: GenerateResponses, event: unknown): Record<string, unknown> | undefined {
  const news = to.read(event);
  return news === undefined ? undefined : valuesOf(to.respond(news));
}

function valuesOf(outputs: readonly Tensor[]): Record<string, unknown> {
  return Object.fromEntries(
    outputs.map((output) => [
      output.name,
      output.datatype === 'BYTES' ? decodeStrings(output) : Array.from(tensorView(output) as Float32Array),
    ]),
  );
}

const usage = (completionTokens: number) => ({ prompt_tokens: 4, completion_tokens: completionTokens });

test('gives the text alone, unless more is asked for (LLM-04)', () => {
  assert.deepEqual(respond(responses({}), { choices: [{ index: 0, text: 'a' }] }), { text_output: ['a'] });
});

test('gives new text only, with the counts and sums so far (LLM-06)', () => {
  const stream = responses({ wanted: ALL, logprobs: 0 });
  const event = (text: string, id: number, count: number, reason: string | null) => ({
    choices: [
      {
        index: 0,
        text,
        finish_reason: reason,
        logprobs: { tokens: [`token_id:${id}`], token_logprobs: [-0.5], top_logprobs: [null] },
      },
    ],
    usage: usage(count),
  });
  const step = (id: number) => `[{"${id}":{"logprob":-0.5,"rank":null,"decoded_token":"<${id}>"}}]`;
  assert.deepEqual(respond(stream, event('a', 1, 1, null)), {
    text_output: ['a'],
    finish_reason: ['None'],
    cumulative_logprob: [-0.5],
    logprobs: [step(1)],
    num_input_tokens: [4],
    num_output_tokens: [1],
  });
  assert.equal(stream.isFinished, false);
  assert.deepEqual(respond(stream, event('b', 2, 3, 'length')), {
    text_output: ['b'],
    finish_reason: ['length'],
    cumulative_logprob: [-1],
    logprobs: [step(2)],
    num_input_tokens: [4],
    num_output_tokens: [2],
  });
  assert.equal(stream.isFinished, true);
});

test('puts the prompt in front of each completion, once (LLM-05)', () => {
  const whole = responses({ n: 2, isStream: false, prependsPrompt: true });
  const choices = [
    { index: 0, text: 'a', finish_reason: 'stop' },
    { index: 1, text: 'b', finish_reason: 'length' },
  ];
  assert.deepEqual(respond(whole, { choices }), { text_output: ['p: a', 'p: b'] });
});

test('has an element for each completion, empty where there is no news (LLM-04)', () => {
  const stream = responses({ n: 2, wanted: { ...NONE, finishReason: true, numOutputTokens: true } });
  assert.deepEqual(
    respond(stream, { choices: [{ index: 1, text: 'b', finish_reason: 'stop' }], usage: usage(1) }),
    {
      text_output: ['', 'b'],
      finish_reason: ['None', 'stop'],
      num_output_tokens: [0, 1],
    },
  );
  assert.deepEqual(respond(stream, { choices: [{ index: 0, text: 'a' }], usage: usage(1) }), {
    text_output: ['a', ''],
    finish_reason: ['None', 'stop'],
    num_output_tokens: [1, 0],
  });
});

test('counts the tokens of several whole completions by their ids', () => {
  const whole = responses({ n: 2, isStream: false, wanted: { ...NONE, numOutputTokens: true } });
  const choices = [
    { index: 0, text: 'a', token_ids: [1, 2] },
    { index: 1, text: 'b', token_ids: [3] },
  ];
  const values = respond(whole, { choices, usage: usage(3) });
  assert.deepEqual(values?.['num_output_tokens'], [2, 1]);
});

test('tells no log probabilities that were not asked for with a number (LLM-04)', () => {
  const values = respond(responses({ wanted: ALL }), { choices: [{ index: 0, text: 'a' }] });
  assert.deepEqual(values?.['logprobs'], ['null']);
});

test('reads the chat form, without the event of the role', () => {
  const stream = responses({});
  assert.equal(
    respond(stream, { choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] }),
    undefined,
  );
  assert.deepEqual(respond(stream, { choices: [{ index: 0, delta: { content: 'a' } }] }), {
    text_output: ['a'],
  });
});

test('says at the end what was used, and why it ended', () => {
  const stream = responses({});
  respond(stream, { choices: [{ index: 0, text: 'a', finish_reason: 'stop' }] });
  assert.equal(respond(stream, { choices: [], usage: usage(1) }), undefined);
  assert.deepEqual(stream.lastResponse([]).parameters, {
    finish_reason: 'stop',
    prompt_tokens: 4,
    completion_tokens: 1,
  });
});

for (const [title, event, message] of [
  ['an error', { error: { message: 'out of memory' } }, 'out of memory'],
  ['something else', { foo: 1 }, "the engine's answer has no 'choices': {\"foo\":1}"],
  [
    'a completion too many',
    { choices: [{ index: 3, text: 'x' }] },
    'the engine sent completion 3, but 1 were asked for (numbered from 0)',
  ],
] as const) {
  test(`fails on ${title}`, () => {
    assert.throws(() => responses({}).read(event), { code: 'INTERNAL', message });
  });
}
