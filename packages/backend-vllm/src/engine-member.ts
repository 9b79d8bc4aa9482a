import type { Gauge } from '@nereid/backend-sdk';
import type { Clock } from './clock.ts';
import type { Engine, EngineLease, LeaseOutcome } from './engine.ts';

/** What an engine says of its own queue is believed this long. */
const REPORT_MS = 10_000;

/** What a lease tells the engine that it is on. */
export interface LeaseEnd {
  readonly outcome: LeaseOutcome;
  readonly tokens: number;
  readonly durationMs: number;
}

/** An engine in a pool: what it has to do, and whether it can. */
export class EngineMember {
  readonly engine: Engine;
  readonly #clock: Clock;
  readonly #up: Gauge;
  readonly #leases = new Set<Lease>();
  #isUp = false;
  #reportedWaiting = 0;
  #reportedAt = -Infinity;
  /** Of requests that have ended. */
  #lastDataAt = 0;

  constructor(engine: Engine, clock: Clock, up: Gauge) {
    this.engine = engine;
    this.#clock = clock;
    this.#up = up;
    up.set(0);
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  set isUp(isUp: boolean) {
    this.#isUp = isUp;
    this.#up.set(Number(isUp));
  }

  /** Requests of ours that it has. */
  get running(): number {
    return this.#leases.size;
  }

  /** With what others have waiting there, when that is known. */
  get load(): number {
    const isNews = this.#clock.now() - this.#reportedAt < REPORT_MS;
    return this.#leases.size + (isNews ? this.#reportedWaiting : 0);
  }

  /** When bytes of an answer last came from it, as `performance.now()`; 0: never. */
  get lastDataAt(): number {
    let last = this.#lastDataAt;
    for (const { lastDataAt } of this.#leases) last = Math.max(last, lastDataAt);
    return last;
  }

  /** What its metrics say waits in its own queue. */
  reportWaiting(requests: number): void {
    this.#reportedWaiting = requests;
    this.#reportedAt = this.#clock.now();
  }

  /** @param onEnd - Called when the place is free again. */
  lease(onEnd: (end: LeaseEnd) => void): EngineLease {
    const startedAt = this.#clock.now();
    const lease = new Lease(this.engine, (outcome, tokens) => {
      this.#leases.delete(lease);
      this.#lastDataAt = Math.max(this.#lastDataAt, lease.lastDataAt);
      onEnd({ outcome, tokens, durationMs: this.#clock.now() - startedAt });
    });
    this.#leases.add(lease);
    return lease;
  }

  /** Aborts what it has. */
  lose(why: string): void {
    for (const lease of [...this.#leases]) lease.lose(why);
  }
}

class Lease implements EngineLease {
  readonly engine: Engine;
  onLost: ((why: string) => void) | undefined = undefined;
  lastDataAt = 0;
  #end: ((outcome: LeaseOutcome, tokens: number) => void) | undefined;

  constructor(engine: Engine, end: (outcome: LeaseOutcome, tokens: number) => void) {
    this.engine = engine;
    this.#end = end;
  }

  release(outcome: LeaseOutcome, tokens: number): void {
    const end = this.#end;
    this.#end = undefined;
    end?.(outcome, tokens);
  }

  lose(why: string): void {
    const onLost = this.onLost;
    this.onLost = undefined;
    onLost?.(why);
  }
}
