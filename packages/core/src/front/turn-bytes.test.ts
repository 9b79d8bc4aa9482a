import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TurnBytes, viewOf } from './turn-bytes.ts';

const LARGE = 100_000;

test('small tensors of a turn share a buffer, each at a place that typed arrays can be laid on', () => {
  const bytes = new TurnBytes('body');
  const parts = [
    Uint8Array.of(1, 2, 3),
    Uint8Array.of(),
    Uint8Array.of(4, 5),
    new Uint8Array(50_000).fill(6),
  ];
  const places = parts.map((part) => bytes.add(part));
  const buffers = bytes.take();
  assert.equal(buffers.length, 1);
  assert.deepEqual(
    places.map((place) => viewOf(buffers, place)),
    parts,
  );
  assert.deepEqual(
    places.map(({ offset }) => offset % 8),
    [0, 0, 0, 0],
  );
});

test('what was taken is not changed by the next turn', () => {
  const bytes = new TurnBytes('body');
  const first = bytes.add(Uint8Array.of(1));
  const buffers = bytes.take();
  bytes.add(Uint8Array.of(2));
  assert.deepEqual(viewOf(buffers, first), Uint8Array.of(1));
});

test('the tensors of a large body are handed over in its buffer, once', () => {
  const bytes = new TurnBytes('body');
  const body = new Uint8Array(LARGE).fill(7);
  const places = [bytes.add(body.subarray(10, 20)), bytes.add(body.subarray(20))];
  const buffers = bytes.take();
  assert.equal(buffers[1], body.buffer);
  assert.equal(buffers.length, 2);
  assert.deepEqual(places, [
    { buffer: 1, offset: 10, byteLength: 10 },
    { buffer: 1, offset: 20, byteLength: LARGE - 20 },
  ]);
});

test("Node's pool, in which others have parts, stays where it is", () => {
  const bytes = new TurnBytes('body');
  const pooled = Buffer.from('pooled');
  assert.equal(bytes.add(pooled).buffer, 0);
  const buffers = bytes.take();
  structuredClone(buffers, { transfer: buffers });
  assert.equal(String(pooled), 'pooled');
});

test('large bytes that a model may keep are copied, each into a buffer of its own', () => {
  const bytes = new TurnBytes('shared');
  const kept = Buffer.alloc(LARGE, 8);
  const places = [bytes.add(kept), bytes.add(kept)];
  kept.fill(9);
  const buffers = bytes.take();
  assert.deepEqual(
    places.map(({ buffer }) => buffer),
    [1, 2],
  );
  for (const place of places) assert.equal(viewOf(buffers, place)[LARGE - 1], 8);
});
