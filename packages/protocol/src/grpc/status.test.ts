import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS_CODES } from '../status-code.ts';
import { grpcStatusOf, statusCodeOf } from './status.ts';

test('every code comes back from its gRPC status', () => {
  for (const code of STATUS_CODES) assert.equal(statusCodeOf(grpcStatusOf(code)), code);
});

test('every error status of gRPC has a code of its own or the nearest one', () => {
  for (let status = 1; status <= 16; status++) {
    assert.equal(statusCodeOf(status) === 'UNKNOWN', status === 2, `status ${status}`);
  }
  assert.equal(statusCodeOf(99), 'UNKNOWN');
});
