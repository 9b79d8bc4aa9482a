import { InferenceServerError } from '@nereid/protocol';
import { requestIdPrefix, type InferenceRequest, type RequestHolder } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { Clock } from '../scheduler/clock.ts';
import { EventTurn } from '../scheduler/event-turn.ts';
import { ResponseOrder } from '../scheduler/response-order.ts';
import type { Scheduler } from '../scheduler/scheduler.ts';
import type { FailureReason } from '../telemetry/statistics.ts';
import { createCacheKey } from './cache-key.ts';
import type { CachedResponse, ResponseCache } from './response-cache.ts';

/** What the cache tells of its work. Durations in nanoseconds. */
export interface CacheStatistics {
  recordCacheHit(requestNs: number, lookupNs: number): void;
  recordCacheMiss(lookupAndInsertNs: number): void;
  recordFailure(requestNs: number, reason: FailureReason): void;
}

/** What a cached scheduler is made of. */
export interface CachedSchedulerParts {
  /** Takes what is not in the cache. */
  readonly scheduler: Scheduler;
  readonly cache: ResponseCache;
  /** Stands for the model version and the state of its files: answers of other ones are not its own. */
  readonly identity: () => string;
  readonly preserveOrdering: boolean;
  readonly statistics: CacheStatistics;
  readonly clock: Clock;
}

/** A request that was looked up. */
interface Lookup {
  readonly key: string;
  readonly lookupNs: number;
}

/**
 * The response cache before the scheduler of one model version (SCH-31, SCH-34). A hit is answered at once; a miss
 * goes on to the scheduler, and its answer is stored unless it is an error. Equal requests that are in flight at
 * the same time all execute.
 */
export class CachedScheduler implements Scheduler, RequestHolder {
  readonly #parts: CachedSchedulerParts;
  readonly #order: ResponseOrder | undefined;
  /** Requests that wait for a cache that is elsewhere. */
  readonly #waiting = new Map<InferenceRequest, Promise<void>>();
  readonly #turn: EventTurn;
  /** Hits that leave together at the end of the turn. */
  #hits: (() => void)[] = [];

  constructor(parts: CachedSchedulerParts) {
    this.#parts = parts;
    this.#turn = new EventTurn(parts.clock);
    // The scheduler orders what it gets, but hits pass it by.
    this.#order = parts.preserveOrdering ? new ResponseOrder() : undefined;
  }

  get inFlightCount(): number {
    return this.#waiting.size + this.#hits.length + this.#parts.scheduler.inFlightCount;
  }

  async drain(): Promise<void> {
    await Promise.all(this.#waiting.values());
    if (this.#hits.length > 0) await new Promise<void>((resolve) => this.#parts.clock.soon(resolve));
    await this.#parts.scheduler.drain();
  }

  enqueue(request: InferenceRequest): void {
    const { cache, clock, identity } = this.#parts;
    const startedAt = clock.now();
    this.#order?.track(request);
    const key = createCacheKey(request.modelName, identity(), request.inputs);
    const found = cache.lookup(key);
    if (!(found instanceof Promise)) {
      this.#decide(request, { key, lookupNs: clock.now() - startedAt }, found);
      return;
    }
    request.holder = this;
    const decided = found.then((response) => {
      this.#waiting.delete(request);
      if (!request.isEnded) this.#decide(request, { key, lookupNs: clock.now() - startedAt }, response);
    });
    this.#waiting.set(request, decided);
  }

  cancel(request: InferenceRequest): void {
    const message = `${requestIdPrefix(request.id)}request was cancelled`;
    this.#refuse(request, 'CANCELED', new InferenceServerError('CANCELLED', message));
  }

  close(): void {
    const error = new InferenceServerError('UNAVAILABLE', 'the server is shutting down');
    for (const request of this.#waiting.keys()) this.#refuse(request, 'OTHER', error);
    this.#parts.scheduler.close();
  }

  #decide(request: InferenceRequest, lookup: Lookup, found: CachedResponse | undefined): void {
    if (found === undefined || !hasWantedOutputs(found, request)) {
      this.#execute(request, lookup);
      return;
    }
    this.#answerInTurn(() => {
      const { clock, statistics } = this.#parts;
      statistics.recordCacheHit(clock.now() - request.times.arrived, lookup.lookupNs);
      request.respond({ outputs: found.outputs, parameters: found.parameters, error: undefined }, true);
    });
  }

  #answerInTurn(answer: () => void): void {
    if (this.#turn.isFirst()) {
      answer();
      return;
    }
    this.#hits.push(answer);
    if (this.#hits.length > 1) return;
    this.#parts.clock.soon(() => {
      const hits = this.#hits;
      this.#hits = [];
      for (const hit of hits) hit();
    });
  }

  #execute(request: InferenceRequest, lookup: Lookup): void {
    const isComplete = request.requestedOutputs.length === 0;
    request.wrapHandler((next) => (response, final) => {
      // A client may have changed shared memory since the key was made, and outputs that went there have left.
      const isOwn = request.sharedMemory === undefined;
      this.#settle(lookup, isOwn ? response : undefined, isComplete);
      next(response, final);
    });
    try {
      this.#parts.scheduler.enqueue(request);
    } catch (error) {
      // Not thrown on: whoever enqueued may be gone by now, and later answers may wait for this one.
      request.fail(InferenceServerError.from(error));
    }
  }

  /** Counts a miss, and stores what was answered if that may be stored. */
  #settle({ key, lookupNs }: Lookup, response: InferenceResponse | undefined, isComplete: boolean): void {
    const { cache, clock, statistics } = this.#parts;
    const startedAt = clock.now();
    if (response !== undefined && response.error === undefined) {
      const { outputs, parameters } = response;
      cache.insert(key, { outputs, parameters, isComplete });
    }
    statistics.recordCacheMiss(lookupNs + clock.now() - startedAt);
  }

  #refuse(request: InferenceRequest, reason: FailureReason, error: InferenceServerError): void {
    this.#parts.statistics.recordFailure(this.#parts.clock.now() - request.times.arrived, reason);
    request.fail(error);
  }
}

/** Whether an answer holds all that a request wants: it may come from a request that wanted less. */
function hasWantedOutputs({ outputs, isComplete }: CachedResponse, request: InferenceRequest): boolean {
  if (isComplete) return true;
  const wanted = request.requestedOutputs;
  return wanted.length > 0 && wanted.every(({ name }) => outputs.some((output) => output.name === name));
}
