import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterSeconds, type Refusal } from './retry-after.ts';

const REFUSAL: Refusal = {
  tokens: 100,
  waitingTokens: 5000,
  waitingRequests: 50,
  maxQueueTokens: 0,
  places: 10,
  tokensPerSecond: 500,
};

test('who is refused since too many wait is told how long those take', () => {
  assert.equal(retryAfterSeconds(REFUSAL), 10);
  assert.equal(retryAfterSeconds({ ...REFUSAL, waitingTokens: 5001 }), 11);
});

test('who is refused since too many tokens wait is told when there is room', () => {
  assert.equal(retryAfterSeconds({ ...REFUSAL, maxQueueTokens: 5000, tokens: 1500 }), 3);
});

test('before anything was done, a request is taken for a second', () => {
  assert.equal(retryAfterSeconds({ ...REFUSAL, tokensPerSecond: undefined }), 6);
});

test('it is never less than a second nor more than two minutes', () => {
  assert.equal(retryAfterSeconds({ ...REFUSAL, waitingTokens: 0 }), 1);
  assert.equal(retryAfterSeconds({ ...REFUSAL, tokensPerSecond: 0.001 }), 120);
});
