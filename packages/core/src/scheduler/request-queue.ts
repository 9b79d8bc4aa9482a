import { InferenceServerError } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';

/** What a queue does with requests of one priority level. Times in nanoseconds, 0 = no limit. */
export interface QueuePolicy {
  readonly timeoutAction: 'REJECT' | 'DELAY';
  readonly defaultTimeoutNs: number;
  readonly allowTimeoutOverride: boolean;
  readonly maxQueueSize: number;
}

/** The default policy of Triton: wait for ever, any number. */
export const UNLIMITED: QueuePolicy = {
  timeoutAction: 'REJECT',
  defaultTimeoutNs: 0,
  allowTimeoutOverride: false,
  maxQueueSize: 0,
};

/** A request that waits. */
export interface QueueEntry {
  readonly request: InferenceRequest;
  /** When it expires; Infinity when never. */
  readonly deadline: number;
}

/** The requests of one level: those in time, and behind them those whose time is over (policy DELAY). */
interface Level {
  readonly policy: QueuePolicy;
  fresh: QueueEntry[];
  delayed: QueueEntry[];
}

/**
 * Waiting requests by priority level (1 is the highest) and, within a level, by arrival. The queue owns its
 * state; it knows the time only as an argument.
 */
export class RequestQueue {
  readonly #levels: readonly Level[];
  #size = 0;

  /** @param policies - One for each level, the highest first; at least one. */
  constructor(policies: readonly QueuePolicy[]) {
    this.#levels = policies.map((policy) => ({ policy, fresh: [], delayed: [] }));
  }

  get size(): number {
    return this.#size;
  }

  /**
   * Appends a request to its level.
   *
   * @throws InferenceServerError UNAVAILABLE when the level is full.
   */
  push(request: InferenceRequest, nowNs: number): QueueEntry {
    const level = this.#levels[request.priority - 1] ?? this.#levels[0];
    if (level === undefined) throw new InferenceServerError('INTERNAL', 'request queue without levels');
    const { maxQueueSize } = level.policy;
    const waiting = level.fresh.length + level.delayed.length;
    if (maxQueueSize > 0 && waiting >= maxQueueSize) {
      throw new InferenceServerError(
        'UNAVAILABLE',
        `Exceeds maximum queue size of ${maxQueueSize} for model '${request.modelName}'`,
      );
    }
    const timeout = timeoutOf(request, level.policy);
    const entry = { request, deadline: timeout === 0 ? Infinity : nowNs + timeout };
    level.fresh.push(entry);
    this.#size += 1;
    return entry;
  }

  /** The waiting requests in the order in which they would run. */
  *[Symbol.iterator](): Generator<QueueEntry> {
    for (const level of this.#levels) {
      yield* level.fresh;
      yield* level.delayed;
    }
  }

  /** The first `count` requests in running order; they leave the queue. */
  take(count: number): InferenceRequest[] {
    const taken: InferenceRequest[] = [];
    for (const level of this.#levels) {
      for (const part of ['fresh', 'delayed'] as const) {
        if (taken.length === count) break;
        for (const { request } of level[part].splice(0, count - taken.length)) taken.push(request);
      }
    }
    this.#size -= taken.length;
    return taken;
  }

  /** Takes one request out, wherever it is; false when it is not there. */
  remove(request: InferenceRequest): boolean {
    for (const level of this.#levels) {
      for (const part of ['fresh', 'delayed'] as const) {
        const at = level[part].findIndex((e) => e.request === request);
        if (at < 0) continue;
        level[part].splice(at, 1);
        this.#size -= 1;
        return true;
      }
    }
    return false;
  }

  /** Applies the timeouts: expired requests are taken out and returned (REJECT), or move back (DELAY). */
  expire(nowNs: number): InferenceRequest[] {
    const rejected: InferenceRequest[] = [];
    for (const level of this.#levels) {
      const late = level.fresh.filter((e) => e.deadline <= nowNs);
      if (late.length === 0) continue;
      level.fresh = level.fresh.filter((e) => e.deadline > nowNs);
      if (level.policy.timeoutAction === 'DELAY') {
        level.delayed.push(...late);
      } else {
        for (const { request } of late) rejected.push(request);
      }
    }
    this.#size -= rejected.length;
    return rejected;
  }

  /** The next moment at which a request expires; Infinity when none does. */
  nextDeadline(): number {
    let next = Infinity;
    for (const level of this.#levels) for (const e of level.fresh) next = Math.min(next, e.deadline);
    return next;
  }
}

/** A request may only shorten a timeout that exists (SCH-10). */
function timeoutOf(request: InferenceRequest, policy: QueuePolicy): number {
  const own = request.timeoutUs * 1000;
  const mayOverride = policy.allowTimeoutOverride && own > 0 && own < policy.defaultTimeoutNs;
  return mayOverride ? own : policy.defaultTimeoutNs;
}
