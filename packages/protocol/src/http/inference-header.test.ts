import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '../inference-server-error.ts';
import { parseInferenceHeaderLength } from './inference-header.ts';

test('the header is an integer or absent', () => {
  assert.equal(parseInferenceHeaderLength(undefined), undefined);
  assert.equal(parseInferenceHeaderLength('0'), 0);
  assert.equal(parseInferenceHeaderLength(' 207 '), 207);
  assert.equal(parseInferenceHeaderLength('-5'), -5);
});

test('anything else is refused', () => {
  for (const value of ['many', '', '1.5', '0x10', '9'.repeat(30)]) {
    assert.throws(
      () => parseInferenceHeaderLength(value),
      (error) =>
        InferenceServerError.is(error) &&
        error.code === 'INVALID_ARG' &&
        error.message === `Unable to parse Inference-Header-Content-Length, got: ${value}`,
    );
  }
});
