import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toEngineError } from './engine-error.ts';

function errorOf(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  return toEngineError('host:1', {
    status,
    headers: new Map(Object.entries(headers)),
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

for (const [form, body] of [
  ["OpenAI's", { error: { message: 'too long', type: 'x' } }],
  ["vLLM's old", { object: 'error', message: 'too long' }],
  ["FastAPI's", { detail: 'too long' }],
  ['a short', { error: 'too long' }],
] as const) {
  test(`tells the message of ${form} form, and hands the body on`, () => {
    const { message, http } = errorOf(400, body);
    assert.deepEqual([message, http?.status, http?.body], ['too long', 400, JSON.stringify(body)]);
  });
}

test('tells what is no JSON, cut short', () => {
  const { message, http } = errorOf(500, 'x'.repeat(1000));
  assert.deepEqual(
    [message.length, http?.body],
    ['engine host:1 answered HTTP 500: '.length + 500, undefined],
  );
});

for (const [status, code] of [
  [400, 'INVALID_ARG'],
  [404, 'NOT_FOUND'],
  [422, 'INVALID_ARG'],
  [429, 'UNAVAILABLE'],
  [500, 'INTERNAL'],
  [503, 'UNAVAILABLE'],
] as const) {
  test(`makes HTTP ${status} ${code}`, () => {
    assert.equal(errorOf(status, {}).code, code);
  });
}

test('says how long to wait as the engine does', () => {
  assert.equal(errorOf(429, {}, { 'retry-after': '7' }).http?.retryAfterSeconds, 7);
  assert.equal(errorOf(503, {}, { 'retry-after': 'tomorrow' }).http?.retryAfterSeconds, undefined);
});

for (const status of [401, 403]) {
  test(`hands nothing on of HTTP ${status}, which speaks of the server's key`, () => {
    const { code, message, http } = errorOf(status, { error: { message: 'bad key sk-secret' } });
    assert.deepEqual([code, message.includes('sk-secret'), http], ['INTERNAL', false, undefined]);
  });
}
