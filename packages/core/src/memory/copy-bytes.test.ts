import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyBytes } from './copy-bytes.ts';

for (const byteLength of [0, 1, 255, 256, 257, 100_003]) {
  test(`${byteLength} bytes are copied to their place in shared memory, and out of it`, () => {
    const source = Uint8Array.from({ length: byteLength + 3 }, (_, at) => at % 251).subarray(3);
    const shared = new Uint8Array(new SharedArrayBuffer(byteLength + 9)).fill(255);
    copyBytes(source, shared, 5);
    assert.deepEqual(shared.slice(0, 5), new Uint8Array(5).fill(255));
    assert.deepEqual(shared.slice(5, 5 + byteLength), Uint8Array.from(source));
    assert.deepEqual(shared.slice(5 + byteLength), new Uint8Array(4).fill(255));
    const target = new Uint8Array(byteLength);
    copyBytes(shared.subarray(5, 5 + byteLength), target, 0);
    assert.deepEqual(target, Uint8Array.from(source));
  });
}
