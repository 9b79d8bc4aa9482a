import assert from 'node:assert/strict';
import { test } from 'node:test';
import { idsWithoutText, readLogprobs, toTritonLogprobs } from './logprobs.ts';

const WITH_IDS = {
  tokens: ['token_id:5', 'token_id:9'],
  token_logprobs: [-0.5, -3],
  top_logprobs: [
    { 'token_id:5': -0.5, 'token_id:7': -1 },
    { 'token_id:9': -3, 'token_id:5': -0.1, 'token_id:7': -0.2 },
  ],
};

const texts = new Map([
  [5, ' five'],
  [7, ' seven'],
  [9, ' nine'],
]);
/** In the form of `JSON.parse`, which has an order of its own. */
const parsed = (...given: Parameters<typeof toTritonLogprobs>): unknown =>
  JSON.parse(toTritonLogprobs(...given));
const textOf = (id: number): string | undefined => texts.get(id);

test("makes Triton's form of the ids that vLLM tells", () => {
  assert.deepEqual(parsed(readLogprobs(WITH_IDS), 2, textOf), [
    {
      5: { logprob: -0.5, rank: 1, decoded_token: ' five' },
      7: { logprob: -1, rank: 2, decoded_token: ' seven' },
    },
    {
      5: { logprob: -0.1, rank: 1, decoded_token: ' five' },
      7: { logprob: -0.2, rank: 2, decoded_token: ' seven' },
      // Not among the two likeliest: how many are before it is not told.
      9: { logprob: -3, rank: null, decoded_token: ' nine' },
    },
  ]);
});

test('knows which texts are missing', () => {
  assert.deepEqual(idsWithoutText(readLogprobs(WITH_IDS)), [5, 5, 7, 9, 9, 5, 7]);
});

test('reads the form of chats, with the ids that llama.cpp adds', () => {
  const content = [{ id: 3, token: 'a', logprob: -1, top_logprobs: [{ id: 4, token: 'b', logprob: -0.5 }] }];
  assert.deepEqual(parsed(readLogprobs({ content }), 1, textOf), [
    {
      3: { logprob: -1, rank: null, decoded_token: 'a' },
      4: { logprob: -0.5, rank: 1, decoded_token: 'b' },
    },
  ]);
});

test('has texts for keys where the engine tells no ids', () => {
  const logprobs = { tokens: ['a'], token_logprobs: [-1], top_logprobs: null };
  assert.deepEqual(parsed(readLogprobs(logprobs), 0, textOf), [
    { a: { logprob: -1, rank: null, decoded_token: 'a' } },
  ]);
});

test('finds nothing where there is nothing', () => {
  assert.deepEqual([readLogprobs(null), readLogprobs(undefined), readLogprobs({})], [[], [], []]);
});

test('puts the chosen token first, whatever its id and rank', () => {
  const keys = [...toTritonLogprobs(readLogprobs(WITH_IDS), 2, textOf).matchAll(/"(\d+)":/g)].map(
    ([, id]) => id,
  );
  assert.deepEqual(keys, ['5', '7', '9', '5', '7']);
});
