import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientKeyOf } from './client-key.ts';

test('what the server knows of a client wins over what the client says', () => {
  assert.equal(clientKeyOf({ triton_client_key: 'a1', user: 'b' }, 'user'), 'a1');
});

test('a parameter counts where the configuration names it', () => {
  assert.equal(clientKeyOf({ user: 'b' }, undefined), '');
  assert.equal(clientKeyOf({ user: 'b' }, 'tenant'), '');
  assert.notEqual(clientKeyOf({ user: 'b' }, 'user'), clientKeyOf({ user: 'c' }, 'user'));
  assert.equal(clientKeyOf({ user: '' }, 'user'), '');
});

test('no client takes the share of one that the server knows', () => {
  assert.notEqual(clientKeyOf({ user: 'a1' }, 'user'), clientKeyOf({ triton_client_key: 'a1' }, 'user'));
});
