import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootAhead, takeWorker } from './executor-worker.ts';

test('who takes the first thread gets the one that was booted ahead, and the next one another', async () => {
  bootAhead();
  bootAhead();
  const first = takeWorker();
  const second = takeWorker();
  assert.notEqual(first.worker, second.worker);
  assert.notEqual(first.memory, second.memory);
  await Promise.all([first, second].map(({ worker }) => worker.terminate()));
});
