/** Time and timers, injected so that tests never sleep. */
export interface Clock {
  /** Monotonic nanoseconds (a whole number, safe for 100 days of uptime). */
  now(): number;
  /** Calls back at a time of this clock, within microseconds also below a millisecond. */
  schedule(atNs: number, callback: () => void): TimerHandle;
  /** Calls back when the events that are at hand have been handled: all requests that arrived together are in. */
  soon(callback: () => void): void;
}

/** A call that was scheduled. */
export interface TimerHandle {
  cancel(): void;
}
