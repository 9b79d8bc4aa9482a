import assert from 'node:assert/strict';
import { test } from 'node:test';
import { presetOf } from './testing/test-engine.ts';
import { parseSamplingParameters, readSamplingParameters } from './sampling-parameters.ts';
import type { Preset } from './presets.ts';

const DEFAULTS = { temperature: 1, top_p: 1, top_k: 0, min_p: 0, repetition_penalty: 1, max_tokens: 16 };

function read(given: Readonly<Record<string, unknown>>, preset: Preset['name'] = 'vllm') {
  return readSamplingParameters(Object.entries(given), presetOf(preset));
}

test('sends the defaults of SamplingParams, which vllm serve would replace by those of the model', () => {
  assert.deepEqual(read({}).body, DEFAULTS);
  assert.deepEqual(read({}, 'llamacpp').body, {});
});

test('takes text for the number or truth value it stands for (LLM-07)', () => {
  const given = { max_tokens: '7', temperature: '0.5', ignore_eos: 'True', top_k: 3n, seed: 1.0 };
  assert.deepEqual(read(given).body, {
    ...DEFAULTS,
    max_tokens: 7,
    temperature: 0.5,
    ignore_eos: true,
    top_k: 3,
    seed: 1,
  });
});

for (const [name, value, expected] of [
  ['max_tokens', '7.5', 'an integer'],
  ['max_tokens', 'many', 'an integer'],
  ['temperature', '', 'a number'],
  ['ignore_eos', 'perhaps', 'true or false'],
] as const) {
  test(`refuses ${name} '${value}'`, () => {
    assert.throws(() => read({ [name]: value }), {
      code: 'INVALID_ARG',
      message: new RegExp(`^sampling parameter '${name}': expected ${expected}, found '${value}'$`),
    });
  });
}

for (const n of [0, -1, 16_385, 2 ** 40]) {
  test(`refuses ${n} completions: something is kept for each`, () => {
    assert.throws(() => read({ n }), {
      code: 'INVALID_ARG',
      message: `sampling parameter 'n': expected an integer from 1 to 16384, found '${n}'`,
    });
  });
}

test('what all objects of JavaScript have is no parameter', () => {
  for (const name of ['constructor', 'toString', '__proto__'])
    assert.throws(() => readSamplingParameters([[name, 1]], presetOf('vllm')), {
      message: new RegExp(`^sampling parameter '${name}' is unknown`),
    });
});

test('refuses a name that vLLM does not know, and says which is meant (LLM-07)', () => {
  assert.throws(() => read({ temprature: 1 }), {
    code: 'INVALID_ARG',
    message: "sampling parameter 'temprature' is unknown; did you mean 'temperature'?",
  });
});

test('refuses what only vLLM takes for another engine', () => {
  assert.throws(() => read({ bad_words: ['x'] }, 'openai'), {
    message: "sampling parameter 'bad_words' is not one of the engine's (preset 'openai')",
  });
});

for (const name of ['detokenize', 'output_kind', 'best_of']) {
  test(`refuses ${name}, which no request over HTTP can say`, () => {
    assert.throws(() => read({ [name]: 1 }), { message: new RegExp(`'${name}' can't be given`) });
  });
}

test('takes objects as JSON text, by the names of SamplingParams', () => {
  const { body } = read({ guided_decoding: '{"choice":["a","b"]}', extra_args: { x: 1 }, stop: '["."]' });
  assert.deepEqual(
    [body['structured_outputs'], body['vllm_xargs'], body['stop']],
    [{ choice: ['a', 'b'] }, { x: 1 }, ['.']],
  );
});

test('takes a stop text that looks like a list for a text', () => {
  assert.equal(read({ stop: '[INST]' }).body['stop'], '[INST]');
});

test('tells the adapter apart, and how much is to be made', () => {
  const { loraName, n, maxTokens, body } = read({ lora_name: 'doll', n: 2, max_tokens: 5 });
  assert.deepEqual([loraName, n, maxTokens, 'lora_name' in body], ['doll', 2, 5, false]);
});

for (const text of ['[1]', '{"a":', '7']) {
  test(`refuses sampling_parameters ${text}`, () => {
    assert.throws(() => parseSamplingParameters(text), {
      code: 'INVALID_ARG',
      message: /^input 'sampling_parameters': expected a JSON object, found /,
    });
  });
}
