import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { requestIdPrefix, type InferenceRequest, type RequestHolder } from '../request/inference-request.ts';
import type { FailureReason } from '../telemetry/statistics.ts';
import type { BatchRunner } from './batch.ts';
import { createBatchRules, planBatch, type BatchPlan, type BatchRules } from './batch-builder.ts';
import type { Clock, TimerHandle } from './clock.ts';
import { EventTurn } from './event-turn.ts';
import { InFlight } from './in-flight.ts';
import { QueueDelay } from './queue-delay.ts';
import { RequestQueue, type QueuePolicy } from './request-queue.ts';
import { ResponseOrder } from './response-order.ts';
import type { Scheduler } from './scheduler.ts';

/** The plan of a scheduler that never joins requests. */
const ONE_REQUEST: BatchPlan = { kind: 'run', count: 1 };

/** What a scheduler tells of its queue. */
export interface QueueStatistics {
  /** Requests that wait. */
  pending: number;
  recordFailure(requestNs: number, reason: FailureReason): void;
}

/** What a scheduler is made of. */
export interface SchedulerParts {
  readonly config: ModelConfig;
  readonly runner: BatchRunner;
  readonly clock: Clock;
  readonly statistics: QueueStatistics;
}

/**
 * Queues the requests of a model and hands batches to free instances: the dynamic batcher, and, with rules
 * that never join two requests, the default scheduler. What the next batch is, `planBatch` decides.
 */
export class DynamicBatchScheduler implements Scheduler {
  readonly #queue: RequestQueue;
  readonly #rules: BatchRules;
  /** While waiting does not pay. */
  readonly #rulesWithoutDelay: BatchRules;
  readonly #delay: QueueDelay;
  readonly #runner: BatchRunner;
  readonly #clock: Clock;
  readonly #statistics: QueueStatistics;
  readonly #inFlight = new InFlight();
  readonly #order: ResponseOrder | undefined;
  readonly #defaultPriority: number;
  readonly #levels: number;
  readonly #joins: boolean;
  /** Whether requests only ever wait for their turn: without priorities, and without limits of their time. */
  readonly #runsAhead: boolean;
  #batchTimer: TimerHandle | undefined;
  #expiryTimer: TimerHandle | undefined;
  #expiryAt = Infinity;
  readonly #turn: EventTurn;
  #soon = false;
  #isDispatching = false;
  readonly #holder: RequestHolder = { cancel: (request) => this.#cancel(request) };

  constructor({ config, runner, clock, statistics }: SchedulerParts, policies: readonly QueuePolicy[]) {
    const batching = config.dynamic_batching;
    this.#queue = new RequestQueue(policies);
    this.#rules = createBatchRules(config);
    this.#rulesWithoutDelay = { ...this.#rules, maxQueueDelayNs: 0 };
    this.#delay = new QueueDelay(this.#rules.maxQueueDelayNs);
    this.#joins = this.#rules.maxBatchSize > 1;
    this.#runsAhead = batching === undefined;
    this.#runner = runner;
    this.#clock = clock;
    this.#turn = new EventTurn(clock);
    this.#statistics = statistics;
    this.#levels = batching?.priority_levels ?? 0;
    this.#defaultPriority = batching?.default_priority_level ?? 0;
    this.#order = batching?.preserve_ordering === true ? new ResponseOrder() : undefined;
    runner.onIdle = () => this.#dispatch();
  }

  get inFlightCount(): number {
    return this.#inFlight.count;
  }

  drain(): Promise<void> {
    return this.#inFlight.drain();
  }

  enqueue(request: InferenceRequest): void {
    // 0 for a model without levels, whose queue has one all the same.
    if (request.priority < 1 || request.priority > this.#levels) request.priority = this.#defaultPriority;
    const now = this.#clock.now();
    // A step of a sequence has been queued since its request came.
    if (request.times.queued === 0) request.times.queued = now;
    const entry = this.#queue.push(request, now);
    this.#delay.onArrival(now, this.#inFlight.count > 0);
    this.#inFlight.add(request);
    this.#order?.track(request);
    this.#statistics.pending += 1;
    request.holder = this.#holder;
    // A step of something that was cancelled meanwhile.
    if (request.isCancelled) {
      this.#cancel(request);
      return;
    }
    if (entry.deadline < this.#expiryAt) this.#armExpiry(entry.deadline);
    if (this.#joins || !this.#turn.isFirst()) this.#dispatchSoon();
    else this.#dispatch();
  }

  close(): void {
    this.#batchTimer?.cancel();
    this.#expiryTimer?.cancel();
    for (const request of this.#queue.take(this.#queue.size)) {
      this.#statistics.pending -= 1;
      this.#refuse(request, 'OTHER', new InferenceServerError('UNAVAILABLE', 'the server is shutting down'));
    }
    this.#runner.withdraw();
  }

  /** Lets the requests that arrived together become one batch. */
  #dispatchSoon(): void {
    if (this.#soon || (this.#runner.idleCount === 0 && !this.#runsAhead)) return;
    this.#soon = true;
    this.#clock.soon(() => {
      this.#soon = false;
      this.#dispatch();
    });
  }

  /**
   * Hands out batches while there are requests and free instances. A model that answers at once frees its instance
   * while its batch is handed out: the loop sees that, so that a long queue makes no deep stack.
   */
  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      this.#dispatchAll();
    } finally {
      this.#isDispatching = false;
    }
  }

  #dispatchAll(): void {
    this.#batchTimer?.cancel();
    this.#batchTimer = undefined;
    while (this.#queue.size > 0 && this.#runner.idleCount > 0) {
      const now = this.#clock.now();
      if (this.#expiryAt <= now) this.#expire();
      if (this.#queue.size === 0) break;
      const plan = this.#plan(now);
      if (plan.kind === 'wait') {
        this.#delay.onWait();
        this.#batchTimer = this.#clock.schedule(plan.untilNs, () => this.#dispatch());
        break;
      }
      const instance = this.#runner.claim();
      // What waits for its turn stays in the queue: it may still expire, be cancelled, or be overtaken.
      if (instance === undefined) return;
      this.#delay.onRun(plan.count);
      this.#run(this.#queue.take(plan.count), instance);
    }
    if (this.#runsAhead) this.#runAhead();
    this.#runner.withdraw();
  }

  #plan(nowNs: number): BatchPlan {
    if (!this.#joins) return ONE_REQUEST;
    return planBatch(this.#queue, this.#delay.pays ? this.#rules : this.#rulesWithoutDelay, nowNs);
  }

  /** Hands over what waits to instances that are busy and take it: they need not wait for it when they are done. */
  #runAhead(): void {
    while (this.#queue.size > 0) {
      const instance = this.#runner.claimAhead();
      if (instance === undefined) return;
      this.#run(this.#queue.take(1), instance);
    }
  }

  /** Requests left the queue without being run: the batch that an instance was to take may be none any more. */
  #reconsider(): void {
    if (this.#queue.size > 0) {
      this.#dispatchSoon();
      return;
    }
    this.#delay.onEmpty();
    this.#runner.withdraw();
  }

  #run(requests: InferenceRequest[], instance: number): void {
    let size = 0;
    for (const request of requests) size += request.batchSize;
    this.#statistics.pending -= requests.length;
    this.#runner.run({ requests, size }, instance);
  }

  #armExpiry(at: number): void {
    this.#expiryTimer?.cancel();
    this.#expiryAt = at;
    this.#expiryTimer = this.#clock.schedule(at, () => this.#expire());
  }

  #expire(): void {
    for (const request of this.#queue.expire(this.#clock.now())) {
      this.#statistics.pending -= 1;
      const message = `${requestIdPrefix(request.id)}Request timeout expired`;
      this.#refuse(request, 'REJECTED', new InferenceServerError('UNAVAILABLE', message));
    }
    this.#expiryTimer?.cancel();
    this.#expiryAt = this.#queue.nextDeadline();
    if (this.#expiryAt < Infinity) this.#armExpiry(this.#expiryAt);
    this.#reconsider();
  }

  #cancel(request: InferenceRequest): void {
    if (!this.#queue.remove(request)) return;
    this.#statistics.pending -= 1;
    const message = `${requestIdPrefix(request.id)}request was cancelled`;
    this.#refuse(request, 'CANCELED', new InferenceServerError('CANCELLED', message));
    this.#reconsider();
  }

  #refuse(request: InferenceRequest, reason: FailureReason, error: InferenceServerError): void {
    this.#statistics.recordFailure(this.#clock.now() - request.times.arrived, reason);
    request.fail(error);
  }
}
