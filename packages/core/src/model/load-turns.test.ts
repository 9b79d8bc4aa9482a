import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoadTurns } from './load-turns.ts';

test('so many turns at a time, in the order in which they were asked for', async () => {
  const turns = new LoadTurns(2);
  const begun: string[] = [];
  const take = async (name: string): Promise<() => void> => {
    const end = await turns.take();
    begun.push(name);
    return end;
  };
  const [a, b, c, d] = [take('a'), take('b'), take('c'), take('d')];
  await Promise.all([a, b]);
  assert.deepEqual(begun, ['a', 'b']);
  (await b)();
  (await c)();
  await d;
  assert.deepEqual(begun, ['a', 'b', 'c', 'd']);
});
