import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ModelReadyRequestSchema } from '../gen/index.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { decodeMessage, encodeMessage } from './service-message.ts';

test('a message reads back, fields that were not given as their defaults', () => {
  const bytes = encodeMessage(ModelReadyRequestSchema, { name: 'm' });
  assert.equal(bytes.toString('hex'), '0a016d');
  const { name, version } = decodeMessage(ModelReadyRequestSchema, bytes);
  assert.deepEqual([name, version], ['m', '']);
});

test('bytes that are not a message are refused as Triton refuses them', () => {
  assert.throws(
    () => decodeMessage(ModelReadyRequestSchema, Buffer.from('ffffffffff', 'hex')),
    (error) => InferenceServerError.is(error) && error.message === 'Unable to parse request',
  );
});
