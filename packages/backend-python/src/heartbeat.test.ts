import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeat } from './heartbeat.ts';

function create(startSeconds: number, silentSeconds: number): { heartbeat: Heartbeat; said: string[] } {
  const said: string[] = [];
  const heartbeat = new Heartbeat({ startSeconds, silentSeconds, onSilence: (why) => said.push(why) });
  return { heartbeat, said };
}

function tick(heartbeat: Heartbeat, count: number): void {
  for (let at = 0; at < count; at++) heartbeat.tick();
}

test('a process that beats goes on for ever', () => {
  const { heartbeat, said } = create(2, 2);
  for (let at = 0; at < 100; at++) {
    heartbeat.beat();
    tick(heartbeat, 2);
  }
  assert.deepEqual(said, []);
  assert.equal(heartbeat.isLate, false);
});

test('one that never beat has the time to start', () => {
  const { heartbeat, said } = create(3, 1);
  tick(heartbeat, 3);
  assert.deepEqual(said, []);
  tick(heartbeat, 1);
  assert.match(said.join(), /did not start within 3 s \(stub-timeout-seconds\)/);
});

test('one that falls silent is late first, then given up', () => {
  const { heartbeat, said } = create(1, 30);
  heartbeat.beat();
  tick(heartbeat, 5);
  assert.equal(heartbeat.isLate, true);
  tick(heartbeat, 25);
  assert.deepEqual(said, []);
  tick(heartbeat, 1);
  assert.match(said.join(), /no sign of life for 30 s \(heartbeat-timeout-seconds\)/);
});

test('without a limit it is late for ever, until it beats again', () => {
  const { heartbeat, said } = create(1, 0);
  heartbeat.beat();
  tick(heartbeat, 1000);
  assert.deepEqual(said, []);
  assert.equal(heartbeat.isLate, true);
  heartbeat.beat();
  assert.equal(heartbeat.isLate, false);
});
