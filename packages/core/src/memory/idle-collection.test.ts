import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdleCollection } from './idle-collection.ts';

const MIB = 1 << 20;

/** How often is collected at the looks of a thread that then has so many MiB; `kept` of them survive. */
function collectionsOf(kept: number, looks: readonly number[]): number[] {
  let byteSize = 0;
  let count = 0;
  const collection = new IdleCollection(
    () => byteSize,
    () => {
      byteSize = kept * MIB;
      count += 1;
    },
  );
  return looks.map((size) => {
    byteSize = size * MIB;
    collection.look();
    return count;
  });
}

test('what is garbage is collected once nothing changes', () => {
  assert.deepEqual(collectionsOf(5, [5, 900, 900, 5, 5, 900, 800, 800]), [0, 0, 1, 1, 1, 1, 1, 2]);
});

test('little is left to V8', () => {
  assert.deepEqual(collectionsOf(5, [60, 60, 60]), [0, 0, 0]);
});

test('what is in use is looked through once, and again when as much has come', () => {
  assert.deepEqual(collectionsOf(900, [900, 900, 900, 900, 930, 930]), [0, 1, 1, 1, 1, 1]);
  assert.deepEqual(collectionsOf(900, [900, 900, 1000, 1000]), [0, 1, 1, 2]);
});

test('buffers that nobody has are given back', () => {
  const collection = new IdleCollection();
  const make = (): number => new Uint8Array(100 * MIB).length;
  const before = process.memoryUsage().external;
  assert.equal(make(), 100 * MIB);
  collection.look();
  collection.look();
  assert.ok(process.memoryUsage().external - before < 50 * MIB);
});
