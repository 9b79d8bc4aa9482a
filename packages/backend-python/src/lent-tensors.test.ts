import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { MemoryLocation, MemorySharing } from '@nereid/backend-sdk';
import { LentTensors } from './lent-tensors.ts';

const LARGE = 1 << 17;

function lendFrom(locate: (bytes: Uint8Array) => MemoryLocation | undefined): LentTensors {
  const sharing: MemorySharing = { locate, open: assert.fail };
  return new LentTensors({ shareMemory: () => sharing });
}

test('tensors in memory files are lent, each by a number of its own', () => {
  const lent = lendFrom(({ byteOffset }) => ({ descriptor: 5, offset: byteOffset }));
  const body = new Uint8Array(3 * LARGE);
  assert.deepEqual(lent.lend(body.subarray(64)), [0, 5, 64]);
  assert.deepEqual(lent.lend(body.subarray(LARGE)), [1, 5, LARGE]);
  lent.giveBack(0);
  assert.deepEqual(lent.lend(body), [2, 5, 0]);
});

test('small, crooked and other memory is not lent', () => {
  const lent = lendFrom(({ byteOffset }) =>
    byteOffset < 640 ? { descriptor: 5, offset: byteOffset } : undefined,
  );
  const body = new Uint8Array(3 * LARGE);
  assert.equal(lent.lend(body.subarray(0, LARGE - 1)), undefined);
  assert.equal(lent.lend(body.subarray(63)), undefined);
  assert.equal(lent.lend(body.subarray(640)), undefined);
  assert.equal(lent.lend(new Uint8Array(new SharedArrayBuffer(LARGE))), undefined);
  assert.equal(new LentTensors({ shareMemory: () => undefined }).lend(body), undefined);
});

test('what is lent is held until it is given back', async () => {
  const lent = lendFrom(() => ({ descriptor: 5, offset: 0 }));
  const held = ((): WeakRef<Uint8Array> => {
    const body = new Uint8Array(LARGE);
    lent.lend(body);
    return new WeakRef(body);
  })();
  const collect = async (): Promise<void> => {
    setFlagsFromString('--expose-gc');
    await new Promise((resolve) => setImmediate(resolve));
    (runInNewContext('gc') as () => void)();
  };
  for (let round = 0; round < 3; round += 1) await collect();
  assert.ok(held.deref() !== undefined);
  lent.giveBack(0);
  while (held.deref() !== undefined) await collect();
});
