import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { defineBackend } from './define-backend.ts';

describe('defineBackend', () => {
  const createModel = () => ({ createInstance: () => ({ execute: () => undefined }) });

  it('runs on executor threads unless the declaration says otherwise', () => {
    assert.equal(defineBackend({ name: 'x', createModel }).instanceHost, 'executor-thread');
    assert.equal(
      defineBackend({ name: 'x', instanceHost: 'in-process', createModel }).instanceHost,
      'in-process',
    );
  });

  it('refuses a name that a configuration could not hold', () => {
    assert.throws(() => defineBackend({ name: 'my backend', createModel }), {
      code: 'INVALID_ARG',
      message: "backend definition: 'name' must be letters, digits, _ and -, found 'my backend'",
    });
  });
});
