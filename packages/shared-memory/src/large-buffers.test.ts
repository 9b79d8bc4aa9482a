import assert from 'node:assert/strict';
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
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

/** Waits for what the tests before have left. */
async function untilUnused(buffers: LargeBuffers): Promise<void> {
  while (buffers.usedByteSize > 0) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const onLinux = { skip: process.platform !== 'linux' && 'needs memory files' };

/** A buffer that lies in a memory file, and the path of that. */
function takeShared(
  buffers: LargeBuffers,
  byteSize: number,
): { bytes: Uint8Array<ArrayBuffer>; path: string } {
  buffers.locate(new Uint8Array(1));
  const bytes = buffers.take(byteSize);
  const location = buffers.locate(bytes);
  assert.ok(location !== undefined && location.offset === 0);
  return { bytes, path: `/proc/self/fd/${String(location.descriptor)}` };
}

test('other processes find the bytes of a buffer in a file, which stays as large as it is', onLinux, () => {
  const buffers = new LargeBuffers();
  const { bytes, path } = takeShared(buffers, 3 * MIB);
  bytes.fill(9, 5, 8);
  assert.deepEqual([...readFileSync(path).subarray(4, 9)], [bytes[4], 9, 9, 9, bytes[8]]);
  assert.equal(buffers.locate(bytes.subarray(5))?.offset, 5);
  assert.equal(buffers.locate(new Uint8Array(3 * MIB)), undefined);
  const file = openSync(path, 'r+');
  assert.throws(() => ftruncateSync(file, 0), { code: 'EPERM' });
  closeSync(file);
});

test('a part of a file is mapped until it is collected or released', onLinux, async () => {
  const buffers = new LargeBuffers();
  await untilUnused(buffers);
  const { bytes, path } = takeShared(buffers, 3 * MIB);
  bytes.fill(1);
  const used = buffers.usedByteSize;
  const file = buffers.open(path);
  let gone = 0;
  const onGone = (): void => void (gone += 1);
  (() => {
    const mapped = file.map(MIB + 3, MIB, onGone);
    assert.equal(mapped.length, MIB);
    assert.ok(isMarkedAsUntransferable(mapped.buffer));
    bytes[MIB + 4] = 2;
    assert.deepEqual([...mapped.subarray(0, 3)], [1, 2, 1]);
    mapped[0] = 7;
    assert.equal(bytes[MIB + 3], 1, 'what is written to it stays here');
    assert.equal(buffers.usedByteSize, used + MIB);
    assert.throws(() => file.map(MIB, 3 * MIB, onGone), { name: 'SharedMemoryError', code: 'EOVERFLOW' });
    const released = file.map(0, MIB, onGone);
    file.close();
    assert.equal(mapped[1], 2, 'what is mapped stays');
    buffers.release(released);
    assert.deepEqual([released.length, mapped.length, gone], [0, MIB, 1]);
  })();
  while (gone < 2) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.deepEqual([bytes.length, buffers.usedByteSize], [3 * MIB, used]);
});

test('a piece is collected although its file is garbage, too', onLinux, async () => {
  const buffers = new LargeBuffers();
  await untilUnused(buffers);
  const { bytes, path } = takeShared(buffers, 3 * MIB);
  let gone = 0;
  (() => {
    buffers.open(path).map(0, MIB, () => (gone += 1));
  })();
  while (gone === 0) {
    collectGarbage();
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(bytes.length, 3 * MIB);
});

test('what everybody has released is used again, and nobody sees it any more', async () => {
  const buffers = new LargeBuffers();
  await untilUnused(buffers);
  const bytes = buffers.take(40 * MIB).fill(5);
  const kept = buffers.keptByteSize;
  const view = bytes.subarray(8);
  buffers.hold(view);
  buffers.release(bytes);
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(view[0], 5, 'somebody has it');
  buffers.release(view);
  assert.deepEqual([bytes.length, view.length], [0, 0]);
  while (buffers.keptByteSize === kept) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(buffers.take(40 * MIB)[8], 5);
  for (const other of [bytes, new Uint8Array(9), new Uint8Array(new SharedArrayBuffer(9))])
    buffers.release(other);
});

test('a file that is not there can not be opened', () => {
  assert.throws(() => new LargeBuffers().open('/proc/self/fd/99999'), {
    name: 'SharedMemoryError',
    code: 'ENOENT',
  });
});
