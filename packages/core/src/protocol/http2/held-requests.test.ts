import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldRequests } from './held-requests.ts';
import type { Http2Stream } from './http2-stream.ts';

const MIB = 2 ** 20;

/** A connection whose requests are answered with so many bytes each, which nobody reads. */
function start(answerByteSize: number): {
  readonly unread: { pendingByteSize: number };
  readonly started: number[];
  readonly held: HeldRequests;
} {
  const unread = { pendingByteSize: 0 };
  const started: number[] = [];
  const held = new HeldRequests(unread, ({ id }) => {
    started.push(id);
    unread.pendingByteSize += answerByteSize;
  });
  return { unread, started, held };
}

function stream(id: number, isClosed = false): Http2Stream {
  return { id, isClosed } as Http2Stream;
}

test('requests wait while a client leaves 256 MiB unread, and start in order as it reads', () => {
  const { unread, started, held } = start(100 * MIB);
  for (const id of [1, 3, 5, 7, 9, 11]) held.take(stream(id), {});
  assert.deepEqual(started, [1, 3, 5]);
  held.goOn();
  assert.deepEqual(started, [1, 3, 5]);
  unread.pendingByteSize -= 100 * MIB;
  held.goOn();
  assert.deepEqual(started, [1, 3, 5, 7]);
  unread.pendingByteSize = 0;
  held.goOn();
  assert.deepEqual(started, [1, 3, 5, 7, 9, 11]);
});

test('a request that its client gave up while it waited is not started', () => {
  const { unread, started, held } = start(0);
  unread.pendingByteSize = 300 * MIB;
  held.take(stream(1, true), {});
  held.take(stream(3), {});
  unread.pendingByteSize = 0;
  held.goOn();
  assert.deepEqual(started, [3]);
});
