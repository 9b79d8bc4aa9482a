import assert from 'node:assert/strict';
import { test } from 'node:test';
import { estimateTokens, promptParts } from './need-estimate.ts';

test('finds the texts and images of each kind of body', () => {
  const content = [
    { type: 'text', text: 'a' },
    { type: 'image_url', image_url: { url: 'u' } },
  ];
  const messages = [
    { role: 'system', content: 's' },
    { role: 'user', content },
  ];
  assert.deepEqual(promptParts({ messages }), { texts: ['system:s', 'user:a'], images: 1 });
  assert.deepEqual(promptParts({ prompt: 'p' }), { texts: ['p'], images: 0 });
  assert.deepEqual(promptParts({ input: ['a', 'b'] }), { texts: ['a', 'b'], images: 0 });
  assert.deepEqual(promptParts({}), { texts: [], images: 0 });
});

test('takes what is usual where no limit is set', () => {
  assert.equal(estimateTokens({ texts: ['x'.repeat(8)], images: 0 }, undefined, 2), 2 + 2 * 256);
});

test('a limit that makes no sense is no estimate: the queue adds these up', () => {
  const parts = { texts: ['x'.repeat(8)], images: 0 };
  assert.equal(estimateTokens(parts, -1_000_000, 1), 2);
  assert.equal(estimateTokens(parts, 10, -5), 2 + 10);
  assert.ok(estimateTokens(parts, 1e308, 1e308) < Number.MAX_SAFE_INTEGER / 1e6);
});

test('a prompt of tokens is one text, and not one for each token', () => {
  assert.deepEqual(promptParts({ prompt: [1, 22, 333] }), { texts: ['1 22 333'], images: 0 });
  assert.deepEqual(promptParts({ input: [[1, 2], [3]] }), { texts: ['1 2', '3'], images: 0 });
});
