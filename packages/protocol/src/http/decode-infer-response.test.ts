import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InferResponseMessage } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeInferResponse } from './decode-infer-response.ts';

const decode = (text: string, headerLength?: number): InferResponseMessage =>
  decodeInferResponse(Buffer.from(text), headerLength);

test('bare NaN is understood', () => {
  const message = decode(
    '{"model_name":"m","model_version":"1","parameters":{"sequence_id":0,"triton_final_response":true},' +
      '"outputs":[{"name":"O","datatype":"FP32","shape":[1],"data":[NaN]}]}',
  );
  assert.deepEqual({ ...message.parameters }, { sequence_id: 0, triton_final_response: true });
  assert.equal(Buffer.from(message.outputs[0]?.data ?? []).toString('hex'), '0000c07f');
});

test('an output without data went into shared memory', () => {
  const message = decode(
    '{"model_name":"m","model_version":"1","outputs":[{"name":"O","datatype":"FP32","shape":[1]}]}',
  );
  assert.equal(message.outputs[0]?.data.length, 0);
});

test('answers that are no inference responses are refused', () => {
  const answers: [string, string][] = [
    ['<html>', 'failed to parse the response JSON buffer: Invalid value. at 0'],
    ['{}', "Unable to parse 'outputs': attempt to access non-existing object member 'outputs'"],
    [
      '{"outputs":[{"name":"O","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":4}}]}',
      "unexpected size for output 'O', expecting 4 additional bytes",
    ],
  ];
  for (const [text, message] of answers) {
    assert.throws(
      () => decode(text),
      (error) => InferenceServerError.is(error) && error.message === message,
    );
  }
});
