import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isMarkedAsUntransferable } from 'node:worker_threads';
import { allocateBuffer, allocateTransferable } from './large-buffer.ts';

const LARGE = 3 << 20;

test('large buffers have memory that is used again, unless they are to be transferred', () => {
  const [small, large] = [allocateBuffer(1000), allocateBuffer(LARGE)];
  assert.deepEqual([small.length, large.length], [1000, LARGE]);
  assert.deepEqual(
    [small, large].map(({ buffer }) => isMarkedAsUntransferable(buffer)),
    [false, true],
  );
  allocateTransferable();
  const own = allocateBuffer(LARGE);
  assert.equal(structuredClone(own.buffer, { transfer: [own.buffer] }).byteLength, LARGE);
});
