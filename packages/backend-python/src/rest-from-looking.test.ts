import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RestFromLooking } from './rest-from-looking.ts';

/** Waits for something, with two looks that are so many milliseconds apart. @returns Whether it looked. */
function waitFor(rest: RestFromLooking, ms: number): boolean {
  const looks = rest.begin();
  if (looks) {
    rest.look(0);
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
  const rest = new RestFromLooking();
  for (let time = 0; time < 1000; time += 1) assert.ok(waitFor(rest, 0.05));
});

test('rests when its core was taken away, longer each time that happens again soon', () => {
  const rest = new RestFromLooking();
  const rests = Array.from({ length: 9 }, () => restAfterLoss(rest));
  assert.deepEqual(rests, [32, 64, 128, 256, 512, 1024, 2048, 4096, 4096]);
});

test('begins anew when nothing was lost for as long as it had rested', () => {
  const rest = new RestFromLooking();
  for (let time = 0; time < 3; time += 1) restAfterLoss(rest);
  for (let time = 0; time < 128; time += 1) waitFor(rest, 0.05);
  assert.equal(restAfterLoss(rest), 32);
});

test('the time between two waits is none that was lost', () => {
  const rest = new RestFromLooking();
  for (const now of [0, 100, 200]) {
    assert.ok(rest.begin());
    assert.ok(rest.look(now));
    rest.heard();
  }
});
