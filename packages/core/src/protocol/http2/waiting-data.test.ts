import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WaitingData } from './waiting-data.ts';

test('single bytes wait together, and come out in order between large pieces', () => {
  const data = new WaitingData();
  const sent: Buffer[] = [];
  for (let count = 0; count < 10_000; count += 1) sent.push(Buffer.of(count % 251));
  sent.splice(5000, 0, Buffer.alloc(5000, 'x'));
  for (const piece of sent) data.push(piece);
  const taken: Buffer[] = [];
  for (let piece = data.shift(); piece !== undefined; piece = data.shift()) taken.push(piece);
  assert.deepEqual(Buffer.concat(taken), Buffer.concat(sent));
  assert.ok(taken.length <= 6, `${String(taken.length)} pieces`);
  assert.equal(data.isEmpty, true);
});

test('a piece that was taken does not change', () => {
  const data = new WaitingData();
  data.push(Buffer.from('a'));
  const first = data.shift();
  data.push(Buffer.from('b'));
  data.push(Buffer.from('c'));
  assert.equal(String(first), 'a');
  assert.equal(String(data.shift()), 'bc');
});
