import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Engine } from './engine.ts';
import { EngineMember } from './engine-member.ts';
import { ManualClock } from './testing/manual-clock.ts';

test('the last data of an engine is remembered when its request has ended', () => {
  const gauge = { set: () => undefined, increment: () => undefined, decrement: () => undefined };
  const member = new EngineMember({} as Engine, new ManualClock(), gauge);
  assert.equal(member.lastDataAt, 0);
  const [first, second] = [member.lease(() => undefined), member.lease(() => undefined)];
  first.lastDataAt = 7;
  second.lastDataAt = 5;
  assert.equal(member.lastDataAt, 7);
  first.release('done', 1);
  assert.equal(member.lastDataAt, 7);
  second.lastDataAt = 9;
  assert.equal(member.lastDataAt, 9);
});
