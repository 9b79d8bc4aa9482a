import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { checkSchedules } from '../../test/check-schedules.ts';
import { FRUITLESS_WAITS, QueueDelay } from './queue-delay.ts';

const DELAY_NS = 100;

/** A delay that so many requests in a row have waited for in vain, the last one at time 0. */
function waitedInVain(times: number): QueueDelay {
  const delay = new QueueDelay(DELAY_NS);
  for (let time = times; time > 0; time -= 1) {
    delay.onArrival(-(time - 1) * 2 * DELAY_NS, false);
    delay.onWait();
    delay.onRun(1);
  }
  return delay;
}

describe('QueueDelay', () => {
  test('pays until as many requests as documented waited in vain', () => {
    assert.equal(waitedInVain(FRUITLESS_WAITS - 1).pays, true);
    assert.equal(waitedInVain(FRUITLESS_WAITS).pays, false);
  });

  test('pays again when a request comes within the delay of one that is unanswered', () => {
    const delay = waitedInVain(FRUITLESS_WAITS);
    delay.onArrival(DELAY_NS, true);
    assert.equal(delay.pays, true);
  });

  test('does not pay for one that comes after the answer, or after the delay', () => {
    const delay = waitedInVain(FRUITLESS_WAITS);
    delay.onArrival(1, false);
    delay.onArrival(2 + DELAY_NS, true);
    assert.equal(delay.pays, false);
  });

  test('does not count what ran without a wait, or in company', () => {
    const delay = waitedInVain(FRUITLESS_WAITS - 1);
    delay.onRun(1);
    delay.onWait();
    delay.onRun(2);
    delay.onWait();
    delay.onEmpty();
    delay.onRun(1);
    assert.equal(delay.pays, true);
  });

  test('stops paying only after waits in vain that nothing came between', () => {
    const event = fc.record({
      gap: fc.nat(2 * DELAY_NS),
      hasOthers: fc.boolean(),
      count: fc.integer({ min: 1, max: 3 }),
    });
    checkSchedules(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        const delay = new QueueDelay(DELAY_NS);
        let inVain = 0;
        let now = 0;
        for (const { gap, hasOthers, count } of events) {
          now += gap;
          if (hasOthers && gap <= DELAY_NS && now > gap) inVain = 0;
          delay.onArrival(now, hasOthers && now > gap);
          if (delay.pays) delay.onWait();
          if (delay.pays && count === 1) inVain += 1;
          delay.onRun(count);
          assert.equal(delay.pays, inVain < FRUITLESS_WAITS);
        }
      }),
    );
  });
});
