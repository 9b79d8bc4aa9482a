import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EventStreamParser } from './event-stream-parser.ts';

const BODY = Buffer.from(
  ': hello\ndata: {"a":"ü"}\n\nevent: x\r\ndata:1\r\ndata: 2\r\n\r\n\ndata: end\n\ndata: cut',
);
const EVENTS = ['{"a":"ü"}', '1\n2', 'end'];

describe('EventStreamParser', () => {
  test('gives the data of whole events', () => {
    assert.deepEqual(new EventStreamParser().push(BODY), EVENTS);
  });

  test('does not mind where the body is cut', () => {
    for (let size = 1; size < 9; size += 1) {
      const parser = new EventStreamParser();
      const events: string[] = [];
      for (let at = 0; at < BODY.length; at += size)
        events.push(...parser.push(BODY.subarray(at, at + size)));
      assert.deepEqual(events, EVENTS, `pieces of ${size}`);
    }
  });
});
