import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnnouncedBytes } from './announced-bytes.ts';

const BYTES = Buffer.alloc(300_000, 'abcdefg');

test('bytes are put together from pieces of any size, pushed or written in place', () => {
  for (const size of [1, 70, 4000, 299_999, 300_000]) {
    const announced = new AnnouncedBytes(BYTES.length);
    for (let at = 0; at < BYTES.length;) {
      const piece = BYTES.subarray(at, at + size);
      const { room } = announced;
      const written = Math.min(room.length, piece.length);
      if (written > 0) announced.noteWritten(piece.copy(room, 0, 0, written));
      else announced.push(piece);
      at += written > 0 ? written : piece.length;
      assert.equal(announced.missing, BYTES.length - at);
    }
    assert.ok(announced.whole.equals(BYTES), `pieces of ${String(size)}`);
  }
});

test('there is memory for at most 64 times what has come, and at once for all where that is enough', () => {
  const announced = new AnnouncedBytes(2 ** 31 - 1);
  announced.push(Buffer.from('0123456789'));
  assert.ok(announced.room.length < 640, String(announced.room.length));
  announced.push(Buffer.alloc(2000));
  assert.ok(announced.room.length < 64 * 2010, String(announced.room.length));
  const small = new AnnouncedBytes(2 ** 20);
  small.push(Buffer.alloc(2 ** 14));
  assert.equal(small.room.length, 2 ** 20 - 2 ** 14);
});

test('tensors behind a head begin at a multiple of 64 bytes in memory', () => {
  for (const headLength of [0, 1, 64, 150]) {
    const announced = new AnnouncedBytes(2 ** 20, headLength);
    announced.push(Buffer.alloc(100));
    announced.push(Buffer.alloc(2 ** 20 - 100));
    assert.equal((announced.whole.byteOffset + headLength) % 64, 0);
  }
});
