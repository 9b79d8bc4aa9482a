import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InferenceServerError } from '@nereid/protocol';
import { errorJson, refusal } from './openai-error.ts';

test('a refusal names message, field and code', () => {
  const error = refusal("'n' must be 1, found 2", { param: 'n', code: 'invalid_value' });
  assert.equal(error.code, 'INVALID_ARG');
  assert.deepEqual(JSON.parse(errorJson(error)), {
    error: {
      message: "'n' must be 1, found 2",
      type: 'invalid_request_error',
      param: 'n',
      code: 'invalid_value',
    },
  });
});

const KINDS = [
  [new InferenceServerError('NOT_FOUND', 'x'), 'invalid_request_error', 'model_not_found'],
  [new InferenceServerError('UNAVAILABLE', 'x'), 'server_error', null],
  [
    new InferenceServerError('UNAVAILABLE', 'x', { http: { status: 429 } }),
    'rate_limit_exceeded',
    'rate_limit_exceeded',
  ],
  [new InferenceServerError('UNAVAILABLE', 'x', { http: { status: 401 } }), 'authentication_error', null],
  [new InferenceServerError('INTERNAL', 'x'), 'server_error', null],
] as const;

for (const [error, type, code] of KINDS) {
  test(`${error.code} with status ${error.http?.status ?? 'of its own'} is a ${type}`, () => {
    assert.deepEqual(JSON.parse(errorJson(error)), { error: { message: 'x', type, param: null, code } });
  });
}

test("an engine's own words are left as they are", () => {
  const body = '{"error":{"message":"context too long","code":400}}';
  const error = new InferenceServerError('INVALID_ARG', 'context too long', { http: { status: 400, body } });
  assert.equal(errorJson(error), body);
});
