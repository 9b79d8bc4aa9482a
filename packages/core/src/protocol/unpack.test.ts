import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateSync, gzipSync } from 'node:zlib';
import { unpack, type PackedFormat, type UnpackProblem } from './unpack.ts';

const MIB = 2 ** 20;

function unpacked(
  format: PackedFormat,
  packed: Buffer,
  maxByteSize = 64 * MIB,
): Promise<Buffer | UnpackProblem> {
  return new Promise((resolve) => {
    unpack(format, packed, { maxByteSize, done: (problem, whole) => resolve(problem ?? whole) });
  });
}

test('unpacks what was packed, small and large', async () => {
  for (const size of [0, 1, 1000, 3 * MIB]) {
    const bytes = Buffer.alloc(size, 'some bytes');
    assert.deepEqual(await unpacked('gunzip', gzipSync(bytes)), bytes);
    assert.deepEqual(await unpacked('inflate', deflateSync(bytes)), bytes);
    assert.deepEqual(await unpacked('unzip', deflateSync(bytes)), bytes);
  }
});

test('says what is wrong with what cannot be unpacked', async () => {
  const packed = gzipSync(Buffer.alloc(1000));
  assert.equal(await unpacked('gunzip', packed, 999), 'too large');
  assert.match(String(await unpacked('gunzip', packed.subarray(0, -9))), /unexpected end of file/);
  assert.match(String(await unpacked('inflate', packed)), /incorrect header check/);
});

test(
  'many that grow a thousandfold take hardly more memory than one, and all end',
  { timeout: 120_000 },
  async () => {
    const packed = gzipSync(Buffer.alloc(60 * MIB));
    let peak = 0;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage().arrayBuffers)), 5);
    const before = process.memoryUsage().arrayBuffers;
    const sizes = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const whole = await unpacked('gunzip', packed);
        return Buffer.isBuffer(whole) ? whole.length : whole;
      }),
    );
    clearInterval(watch);
    assert.deepEqual(sizes, new Array(24).fill(60 * MIB));
    // All of them are 1.4 GiB. What was handed on may wait to be collected.
    assert.ok(peak - before < 1024 * MIB, `${String(Math.round((peak - before) / MIB))} MiB`);
  },
);
