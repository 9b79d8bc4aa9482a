import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ExecutionLimit } from './execution-limit.ts';

function limitOf(t: TestContext): { limit: ExecutionLimit; late: () => number } {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const onLate = t.mock.fn();
  return { limit: new ExecutionLimit(100, onLate), late: () => onLate.mock.callCount() };
}

test('an execution is ended after its time', (t) => {
  const { late } = limitOf(t);
  t.mock.timers.tick(99);
  assert.equal(late(), 0);
  t.mock.timers.tick(1);
  assert.equal(late(), 1);
});

test('time in which any client of the batch does not read does not count', (t) => {
  const { limit, late } = limitOf(t);
  t.mock.timers.tick(99);
  limit.pause(true);
  limit.pause(true);
  limit.pause(false);
  t.mock.timers.tick(1000);
  assert.equal(late(), 0);
  limit.pause(false);
  t.mock.timers.tick(100);
  assert.equal(late(), 1);
});

test('an execution that is over is not ended, even when its client goes on to read', (t) => {
  const { limit, late } = limitOf(t);
  limit.pause(true);
  limit.close();
  limit.pause(false);
  t.mock.timers.tick(1000);
  assert.equal(late(), 0);
});
