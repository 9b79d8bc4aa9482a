import type { Clock, TimerHandle } from './clock.ts';

/** One scheduled call. `position` is its place in the heap, -1 when it is not in it. */
interface Timer extends TimerHandle {
  readonly at: number;
  readonly callback: () => void;
  position: number;
}

/** Timers closer than this are waited for with setImmediate: setTimeout counts in milliseconds. */
const FINE_NS = 1_500_000;

/**
 * The real clock. All timers share one heap and one event-loop timer, so that a deadline on each request costs
 * a heap entry and nothing else.
 */
export class SystemClock implements Clock {
  readonly #heap: Timer[] = [];
  readonly #origin = performance.timeOrigin;
  #coarse: NodeJS.Timeout | undefined;
  #coarseAt = Infinity;
  #immediate: NodeJS.Immediate | undefined;

  now(): number {
    return Math.round(performance.now() * 1e6);
  }

  /** Milliseconds since the epoch of a time of this clock. */
  toEpochMs(atNs: number): number {
    return this.#origin + atNs / 1e6;
  }

  schedule(atNs: number, callback: () => void): TimerHandle {
    const timer: Timer = { at: atNs, callback, position: -1, cancel: () => this.#remove(timer) };
    this.#add(timer);
    if (timer.position === 0) this.#arm();
    return timer;
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  /** Sees to it that `#tick` runs at the time of the first timer. */
  #arm(): void {
    const first = this.#heap[0];
    if (first === undefined || this.#immediate !== undefined) return;
    const wait = first.at - this.now();
    if (wait <= FINE_NS) {
      this.#immediate = setImmediate(() => {
        this.#immediate = undefined;
        this.#tick();
      });
      return;
    }
    if (this.#coarseAt <= first.at) return;
    clearTimeout(this.#coarse);
    this.#coarseAt = first.at;
    this.#coarse = setTimeout(
      () => {
        this.#coarseAt = Infinity;
        this.#coarse = undefined;
        this.#tick();
      },
      Math.max(1, Math.floor((wait - FINE_NS) / 1e6)),
    );
  }

  #tick(): void {
    const now = this.now();
    for (let first = this.#heap[0]; first !== undefined && first.at <= now; first = this.#heap[0]) {
      this.#remove(first);
      first.callback();
    }
    this.#arm();
  }

  #add(timer: Timer): void {
    if (this.#heap.length === 0) this.#coarse?.ref();
    timer.position = this.#heap.length;
    this.#heap.push(timer);
    this.#up(timer);
  }

  #remove(timer: Timer): void {
    const at = timer.position;
    if (at < 0) return;
    timer.position = -1;
    const last = this.#heap.pop();
    // Calls that were cancelled keep no process alive.
    if (this.#heap.length === 0) this.#coarse?.unref();
    if (last === undefined || last === timer) return;
    this.#place(last, at);
    this.#up(last);
    this.#down(last);
  }

  #place(timer: Timer, position: number): void {
    timer.position = position;
    this.#heap[position] = timer;
  }

  #up(timer: Timer): void {
    for (let at = timer.position; at > 0;) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt];
      if (parent === undefined || parent.at <= timer.at) return;
      this.#place(parent, at);
      this.#place(timer, parentAt);
      at = parentAt;
    }
  }

  #down(timer: Timer): void {
    for (let at = timer.position; ;) {
      let childAt = 2 * at + 1;
      let child = this.#heap[childAt];
      const right = this.#heap[childAt + 1];
      if (child === undefined) return;
      if (right !== undefined && right.at < child.at) {
        child = right;
        childAt += 1;
      }
      if (timer.at <= child.at) return;
      this.#place(child, at);
      this.#place(timer, childAt);
      at = childAt;
    }
  }
}
