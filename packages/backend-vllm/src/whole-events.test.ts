import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countEvents, WholeEvents } from './whole-events.ts';

const EVENTS = ['data: {"a":1}\n\n', 'data: {"b":"\\n\\n é"}\r\n\r\n', ': comment\n\n', 'data: [DONE]\n\n'];
const STREAM = Buffer.from(EVENTS.join(''));

test('whole events are passed on as they are', () => {
  const events = new WholeEvents();
  assert.equal(events.push(STREAM), STREAM);
  assert.equal(events.rest.length, 0);
});

test('a stream cut anywhere is passed on event by event', () => {
  for (let size = 1; size < 20; size += 1) {
    const events = new WholeEvents();
    const passed: string[] = [];
    for (let at = 0; at < STREAM.length; at += size) {
      // The memory of a read is used again.
      const chunk = Buffer.from(STREAM.subarray(at, at + size));
      const whole = events.push(chunk).toString();
      if (whole !== '') passed.push(whole);
      chunk.fill(0);
    }
    assert.equal(passed.join(''), STREAM.toString());
    assert.ok(
      passed.every((whole) => /\n\r?\n$/.test(whole)),
      `pieces of ${size} bytes`,
    );
    assert.equal(events.rest.length, 0);
  }
});

test('what has no end is held', () => {
  const events = new WholeEvents();
  assert.equal(events.push(Buffer.from('data: 1\n\ndata: 2\n')).toString(), 'data: 1\n\n');
  assert.equal(events.rest.toString(), 'data: 2\n');
});

test('an event that is very long goes on in pieces', () => {
  const events = new WholeEvents();
  const long = `data: ${'x'.repeat(600_000)}\n\n`;
  let passed = 0;
  let most = 0;
  for (let at = 0; at < long.length; at += 1000) {
    passed += events.push(Buffer.from(long.slice(at, at + 1000))).length;
    most = Math.max(most, events.rest.length);
  }
  assert.equal(passed, long.length);
  assert.equal(most <= 256 * 1024, true);
});

test('counts events, whatever ends their lines', () => {
  assert.equal(countEvents(STREAM), EVENTS.length);
  assert.equal(countEvents(Buffer.from('data: 1\ndata: 2\n')), 0);
});
