import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientKeyOf } from './client-key.ts';

test('clients with the same key are one, others are not, and the key is not told', () => {
  const [first, again, other] = ['Bearer sk-1', 'Bearer sk-1', 'Bearer sk-2'].map((authorization) =>
    clientKeyOf({ authorization }),
  );
  assert.equal(first, again);
  assert.notEqual(first, other);
  assert.match(first ?? '', /^[0-9a-f]{16}$/);
});

test('without a key there is none', () => {
  assert.equal(clientKeyOf({}), undefined);
});
