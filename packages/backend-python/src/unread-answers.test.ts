import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UnreadAnswers } from './unread-answers.ts';

const MEBIBYTE = new Uint8Array(1 << 20);

/** A stream of which nothing more may be sent. */
function full(signal: AbortSignal = new AbortController().signal): UnreadAnswers {
  const unread = new UnreadAnswers(signal);
  while (!unread.isFull) unread.add([MEBIBYTE]);
  return unread;
}

describe('UnreadAnswers', () => {
  test('there is room for 32 MiB, whatever the size of the answers', () => {
    const unread = new UnreadAnswers(new AbortController().signal);
    for (let count = 0; count < 31; count += 1) unread.add([MEBIBYTE]);
    assert.equal(unread.isFull, false);
    unread.add([MEBIBYTE]);
    assert.equal(unread.isFull, true);
    const small = new UnreadAnswers(new AbortController().signal);
    for (let count = 1; count < 1 << 15; count += 1) small.add([]);
    assert.equal(small.isFull, false);
    small.add([]);
    assert.equal(small.isFull, true);
  });

  test('there is room again when the model has taken some', async () => {
    const unread = full();
    const room = unread.room();
    unread.take(1 << 23);
    await room;
    assert.equal(unread.isFull, false);
  });

  test('nothing waits when the model has let go of the stream', async () => {
    const unread = full();
    const room = unread.room();
    unread.leave();
    await room;
    assert.equal(unread.isLeft, true);
  });

  test('nothing waits when the stream is cancelled', async () => {
    const abort = new AbortController();
    const unread = full(abort.signal);
    const room = unread.room();
    abort.abort();
    await room;
    assert.equal(unread.isFull, false);
  });
});
