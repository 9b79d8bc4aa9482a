import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeMachine, noteIfBusy } from './machine.ts';

test('a machine that others use is said to be busy, an idle one is not', () => {
  const machine = { ...describeMachine(), cores: 4 };
  assert.equal(noteIfBusy(machine, 1.9), undefined);
  assert.match(noteIfBusy(machine, 2.5) ?? '', /a load of 2\.5 on 4 cores/);
});
