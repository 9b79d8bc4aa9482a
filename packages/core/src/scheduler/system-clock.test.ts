import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SystemClock } from './system-clock.ts';

describe('SystemClock', () => {
  test('runs calls in the order of their times, not of their scheduling', async () => {
    const clock = new SystemClock();
    const order: number[] = [];
    const now = clock.now();
    await new Promise<void>((resolve) => {
      for (const at of [9, 3, 7, 1, 5, 8, 2, 6, 4]) clock.schedule(now + at * 100_000, () => order.push(at));
      clock.schedule(now + 1_000_000, resolve);
    });
    assert.deepEqual(order, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test('never runs a call early', async () => {
    const clock = new SystemClock();
    for (const delay of [50_000, 400_000, 2_500_000]) {
      const at = clock.now() + delay;
      const ran = await new Promise<number>((resolve) => clock.schedule(at, () => resolve(clock.now())));
      assert.ok(ran >= at);
    }
  });

  test('does not run what was cancelled', async () => {
    const clock = new SystemClock();
    const now = clock.now();
    const ran: string[] = [];
    const timers = ['a', 'b', 'c'].map((name, at) =>
      clock.schedule(now + (at + 1) * 200_000, () => ran.push(name)),
    );
    timers[1]?.cancel();
    await new Promise<void>((resolve) => clock.schedule(now + 1_000_000, resolve));
    assert.deepEqual(ran, ['a', 'c']);
  });

  test('keeps the process alive only while a call is to come', () => {
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timeouts();
    const clock = new SystemClock();
    const soon = clock.now() + 60e9;
    const first = clock.schedule(soon, () => {});
    assert.equal(timeouts(), before + 1);
    first.cancel();
    assert.equal(timeouts(), before);
    const second = clock.schedule(soon + 1, () => {});
    assert.equal(timeouts(), before + 1);
    second.cancel();
    assert.equal(timeouts(), before);
  });
});
