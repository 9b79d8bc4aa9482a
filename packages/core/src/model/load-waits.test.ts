import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modelIdentifier } from '../model-identifier.ts';
import { LoadWaits } from './load-waits.ts';

const a = modelIdentifier('', 'a');
const b = modelIdentifier('', 'b');
const c = modelIdentifier('', 'c');
const never = (): Promise<void> => new Promise(() => {});

test('the wait that closes a circle is refused, with the way round', async () => {
  const waits = new LoadWaits();
  void waits.during(a, b, never);
  void waits.during(b, c, never);
  await assert.rejects(waits.during(c, a, never), {
    code: 'INVALID_ARG',
    message: /circular dependency between ensembles: c -> a -> b -> c;/,
  });
});

test('an ensemble that contains itself is a circle', async () => {
  await assert.rejects(new LoadWaits().during(a, a, never), { message: /: a -> a;/ });
});

test('two ensembles may wait for one model', async () => {
  const waits = new LoadWaits();
  void waits.during(a, c, never);
  await waits.during(b, c, () => Promise.resolve());
});

test('a wait that is over, well or badly, closes no circle', async () => {
  const waits = new LoadWaits();
  await waits.during(a, b, () => Promise.resolve());
  await assert.rejects(
    waits.during(a, c, () => Promise.reject(new Error('broken'))),
    { message: 'broken' },
  );
  await waits.during(b, a, () => Promise.resolve());
  await waits.during(c, a, () => Promise.resolve());
});
