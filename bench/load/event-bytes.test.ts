import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countEvents, findStamps } from './event-bytes.ts';

test('events are counted, but for the last one', () => {
  assert.equal(countEvents(Buffer.from('data: {"a":1}\n\ndata: {"a":2}\n\ndata: [DONE]\n\n')), 2);
});

test('times of tokens are found, and no other numbers', () => {
  const found: number[] = [];
  const event = 'data: {"id":"cmpl-123456789012","created":1700000000,"text":"51234567890123 "}\n\n';
  findStamps(Buffer.from(event + event), (ns) => found.push(ns));
  assert.deepEqual(found, [51_234_567_890_123, 51_234_567_890_123]);
});
