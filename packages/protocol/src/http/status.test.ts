import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS_CODES } from '../status-code.ts';
import { httpStatusOf, statusCodeOfHttp } from './status.ts';

test('each code has the status that Triton gives it', () => {
  assert.deepEqual(STATUS_CODES.map(httpStatusOf), [400, 500, 404, 400, 503, 501, 400, 400]);
});

test('a client reads a code of the same status', () => {
  for (const code of STATUS_CODES) {
    const status = httpStatusOf(code);
    assert.equal(httpStatusOf(statusCodeOfHttp(status)), status);
  }
  assert.equal(statusCodeOfHttp(413), 'INVALID_ARG');
  assert.equal(statusCodeOfHttp(599), 'INTERNAL');
  assert.equal(statusCodeOfHttp(504), 'UNAVAILABLE');
});
