import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createModelConfig } from '@nereid/backend-sdk';
import { completeModelConfig } from './model-io.ts';

test('adds what the configuration leaves out, and makes the model decoupled (LLM-02)', () => {
  const given = { name: 'stream', data_type: 'TYPE_BOOL', dims: [1], optional: true } as const;
  const {
    input,
    output,
    model_transaction_policy: policy,
  } = completeModelConfig(createModelConfig({ name: 'm', input: [given] }));
  assert.equal(policy?.decoupled, true);
  assert.deepEqual(
    input?.map(({ name }) => name),
    [
      ...['stream', 'text_input', 'image', 'sampling_parameters', 'exclude_input_in_output'],
      ...['return_finish_reason', 'return_cumulative_logprob', 'return_logprobs'],
      ...['return_num_input_tokens', 'return_num_output_tokens', 'openai_request'],
    ],
  );
  assert.deepEqual(
    output?.map(({ name, data_type: type, dims }) => `${name} ${type} [${dims.join()}]`),
    [
      ...[
        'text_output TYPE_STRING [-1]',
        'finish_reason TYPE_STRING [-1]',
        'cumulative_logprob TYPE_FP32 [-1]',
      ],
      ...[
        'logprobs TYPE_STRING [-1]',
        'num_input_tokens TYPE_UINT32 [1]',
        'num_output_tokens TYPE_UINT32 [-1]',
      ],
      'openai_response TYPE_STRING [1]',
    ],
  );
});

for (const [title, config, message] of [
  ['batches', { max_batch_size: 8 }, /expected 'max_batch_size: 0', found 8/],
  ['one response', { model_transaction_policy: { decoupled: false } }, /expected a decoupled/],
  ['an unknown input', { input: [{ name: 'x' }] }, /input 'x' is none of the backend's: text_input, /],
  [
    'another datatype',
    { input: [{ name: 'stream', data_type: 'TYPE_STRING', dims: [1] }] },
    /input 'stream': expected TYPE_BOOL \[1\], found TYPE_STRING \[1\]/,
  ],
] as const) {
  test(`refuses ${title}`, () => {
    assert.throws(() => completeModelConfig(createModelConfig({ name: 'm', ...config })), {
      code: 'INVALID_ARG',
      message,
    });
  });
}
