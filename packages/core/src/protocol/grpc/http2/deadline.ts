/** Deadlines of calls. */

/** The longest time that a timer can be set to, in milliseconds: 24 days. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A deadline may come late by this part of its time. */
const PRECISION = 64;

/**
 * Calls back when the time is over; never early. Each client has its own time left, by the microsecond, and Node keeps a
 * list of timers for each time: rounded up a little, all calls of a service share a few of them.
 *
 * @param timeoutMs - Whole milliseconds.
 */
export function startDeadline(timeoutMs: number, expire: () => void): NodeJS.Timeout {
  const step = 2 ** Math.floor(Math.log2(Math.max(1, timeoutMs / PRECISION)));
  return setTimeout(expire, Math.min(Math.ceil(timeoutMs / step) * step, LONGEST_TIMER));
}
