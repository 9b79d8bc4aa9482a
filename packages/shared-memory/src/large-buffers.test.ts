import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMarkedAsUntransferable } from 'node:worker_threads';
import { LargeBuffers } from './large-buffers.ts';
import { loadNativeModule } from './native-module.ts';

const MIB = 1 << 20;

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Fills a buffer that nobody holds afterwards. */
function fill(buffers: LargeBuffers, byteSize: number): void {
  buffers.take(byteSize).fill(7);
}

async function untilKept(buffers: LargeBuffers): Promise<void> {
  while (buffers.keptByteSize === 0) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('memory of a collected buffer is used again, and given back when it is not', async () => {
  const native = loadNativeModule();
  const buffers = new LargeBuffers(native);
  fill(buffers, 20 * MIB);
  await untilKept(buffers);
  const kept = buffers.keptByteSize;
  assert.ok(kept >= 20 * MIB && kept < 24 * MIB, `${kept} bytes`);
  const again = buffers.take(20 * MIB - 5);
  assert.equal(again[1000], 7);
  assert.equal(buffers.keptByteSize, 0);
  fill(buffers, 20 * MIB);
  await untilKept(buffers);
  native.trimBlocks();
  assert.ok(buffers.keptByteSize > 0, 'what was just used is kept');
  native.trimBlocks();
  assert.equal(buffers.keptByteSize, 0);
  assert.equal(again.length, 20 * MIB - 5);
});

test('a buffer has its size, is filled by nobody else, and stays in its thread', () => {
  const buffers = new LargeBuffers();
  const [one, two] = [buffers.take(3 * MIB + 1).fill(1), buffers.take(3 * MIB + 1).fill(2)];
  assert.equal(one.length, 3 * MIB + 1);
  assert.ok(one.every((byte) => byte === 1) && two.every((byte) => byte === 2));
  assert.ok(isMarkedAsUntransferable(one.buffer));
});

test('what is garbage is collected when no buffer was taken for a while', async () => {
  const buffers = new LargeBuffers();
  fill(buffers, 100 * MIB);
  buffers.trim();
  const used = buffers.usedByteSize;
  assert.ok(used >= 100 * MIB);
  buffers.trim();
  while (buffers.usedByteSize >= used) await new Promise((resolve) => setImmediate(resolve));
  for (let time = 0; time < 2; time += 1) buffers.trim();
  assert.equal(buffers.keptByteSize, 0);
});

test('what nobody can have is refused', () => {
  assert.throws(() => new LargeBuffers().take(2 ** 52), { name: 'SharedMemoryError', code: 'ENOMEM' });
});
