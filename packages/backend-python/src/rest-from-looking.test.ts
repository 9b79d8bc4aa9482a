import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestFromLooking } from './rest-from-looking.ts';

/** The CPU that the thread has had. */
let cpuMs = 0;

function create(): RestFromLooking {
  return new RestFromLooking(() => cpuMs);
}

/**
 * Waits for something, with two looks that are so many milliseconds apart.
 *
 * @param ranMs - For how many of these the thread ran.
 * @returns Whether it looked.
 */
function waitFor(rest: RestFromLooking, ms: number, ranMs = 0): boolean {
  const looks = rest.begin();
  if (looks) {
    rest.look(0);
    cpuMs += ranMs;
    rest.look(ms);
  }
  rest.heard();
  return looks;
}

/** How often it does not look, until it does again. */
function restAfterLoss(rest: RestFromLooking): number {
  assert.ok(waitFor(rest, 1));
  let count = 0;
  while (!waitFor(rest, 0.01)) count += 1;
  return count;
}

test('looks as long as nobody takes its core', () => {
  const rest = create();
  for (let time = 0; time < 1000; time += 1) assert.ok(waitFor(rest, 0.05));
});

test('rests when its core was taken away, longer each time that happens again soon', () => {
  const rest = create();
  const rests = Array.from({ length: 6 }, () => restAfterLoss(rest));
  assert.deepEqual(rests, [32, 64, 128, 256, 512, 512]);
});

test('begins anew when nothing was lost for as long as it had rested', () => {
  const rest = create();
  for (let time = 0; time < 3; time += 1) restAfterLoss(rest);
  for (let time = 0; time < 128; time += 1) waitFor(rest, 0.05);
  assert.equal(restAfterLoss(rest), 32);
});

test('the time between two waits is none that was lost', () => {
  const rest = create();
  for (const now of [0, 100, 200]) {
    assert.ok(rest.begin());
    assert.ok(rest.look(now));
    rest.heard();
  }
});

test('what the thread itself did between two looks is no loss', () => {
  const rest = create();
  for (let time = 0; time < 100; time += 1) assert.ok(waitFor(rest, 2, 1.9));
  assert.ok(waitFor(rest, 2, 1.5));
  assert.ok(!waitFor(rest, 2, 1.9));
});

test('where nobody can tell, it never rests', () => {
  const rest = new RestFromLooking(undefined);
  for (let time = 0; time < 100; time += 1) assert.ok(waitFor(rest, 2));
});
