import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryLocation, MemorySharing } from '@nereid/backend-sdk';
import { LentTensors } from './lent-tensors.ts';

const LARGE = 1 << 17;

/** @param told - Gets what is held and released. */
function lendFrom(
  locate: (bytes: Uint8Array) => MemoryLocation | undefined,
  told: [string, Uint8Array][] = [],
): LentTensors {
  const sharing: MemorySharing = {
    locate,
    open: () => assert.fail(),
    hold: (bytes) => told.push(['hold', bytes]),
    release: (bytes) => told.push(['release', bytes]),
  };
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

test('what is lent is held until it is given back, once', () => {
  const told: [string, Uint8Array][] = [];
  const lent = lendFrom(() => ({ descriptor: 5, offset: 0 }), told);
  const body = new Uint8Array(LARGE);
  lent.lend(body);
  assert.deepEqual(told, [['hold', body]]);
  for (const number of [0, 0, 1]) lent.giveBack(number);
  assert.deepEqual(told.slice(1), [['release', body]]);
});
