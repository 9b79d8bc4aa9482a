import { InferenceServerError } from '@nereid/backend-sdk';
import { AdmissionQueue, type Waiting } from './admission-queue.ts';
import type { Clock } from './clock.ts';
import { DrainRate } from './drain-rate.ts';
import { chooseEngine } from './engine-choice.ts';
import type { EngineMember, LeaseEnd } from './engine-member.ts';
import type { AcquireHandler, EngineNeed, EnginePool } from './engine.ts';
import type { AdmissionLimits } from './engine-settings.ts';
import type { PoolMetrics, RefusalReason } from './pool-metrics.ts';
import { PrefixAffinity } from './prefix-affinity.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** While no engine is up requests wait this long for one. */
const WAIT_FOR_ENGINE_MS = 30_000;

interface Waiter extends Waiting {
  readonly need: EngineNeed;
  readonly done: AcquireHandler;
  /** Stops its timers. */
  stopTimers: (() => void)[];
}

export interface BalancedPoolOptions {
  readonly modelName: string;
  readonly limits: AdmissionLimits;
  readonly clock: Clock;
  readonly metrics: PoolMetrics;
  /** Called when a request on an engine has ended, however. */
  onEnd?(member: EngineMember, end: LeaseEnd): void;
}

/** Engines that share the requests of a model version, and the queue before them. */
export class BalancedPool implements Omit<EnginePool, 'close'> {
  readonly #options: BalancedPoolOptions;
  readonly #members = new Set<EngineMember>();
  readonly #queue: AdmissionQueue<Waiter>;
  readonly #affinity = new PrefixAffinity<EngineMember>();
  readonly #drainRate: DrainRate;
  #turn = 0;
  #running = 0;
  #whyDown = 'none was started yet';
  #isClosed = false;
  #isDispatching = false;

  constructor(options: BalancedPoolOptions) {
    this.#options = options;
    const { maxQueueRequests, maxQueueTokens } = options.limits;
    this.#queue = new AdmissionQueue({ requests: maxQueueRequests, tokens: maxQueueTokens });
    this.#drainRate = new DrainRate(options.clock.now());
  }

  get isReady(): boolean {
    return !this.#isClosed && this.#someUp();
  }

  get engineCount(): number {
    return this.#members.size;
  }

  get wantsPrefixes(): boolean {
    return this.#members.size > 1;
  }

  add(member: EngineMember): void {
    this.#members.add(member);
    if (member.isUp) this.up(member);
  }

  /** @param why - For the requests that it still has. */
  remove(member: EngineMember, why: string): void {
    this.down(member, why);
    this.#members.delete(member);
  }

  /** The engine can serve. */
  up(member: EngineMember): void {
    member.isUp = true;
    this.#reconsiderWaiting();
    this.#dispatch();
  }

  /** The engine gets nothing more until it is `up`; what it has goes on. */
  rest(member: EngineMember, why: string): void {
    this.#whyDown = why;
    const wasUp = member.isUp;
    member.isUp = false;
    if (wasUp) this.#reconsiderWaiting();
  }

  /** The engine can't serve; what it has is aborted, and goes to another where nothing of it was seen yet. */
  down(member: EngineMember, why: string): void {
    this.rest(member, why);
    this.#affinity.forget(member);
    member.lose(why);
  }

  acquire(need: EngineNeed, done: AcquireHandler): () => void {
    if (this.#isClosed) return refuse(done, this.#unavailable('is being unloaded'));
    if (this.#isStranded(need)) return refuse(done, this.#noOther());
    // The usual case: a place is free and nobody waits.
    const member = this.#queue.size === 0 ? this.#choose(need) : undefined;
    if (member !== undefined) {
      this.#give(member, need, done);
      return () => undefined;
    }
    return this.#enqueue(need, done);
  }

  /** Why no engine is up, for those that wait for one. */
  explainDown(why: string): void {
    this.#whyDown = why;
  }

  /** Refuses all that wait and aborts what runs. */
  close(): void {
    this.#isClosed = true;
    const refusal = this.#unavailable('is being unloaded');
    for (const waiter of [...this.#queue]) this.#refuse(waiter, 'no_engine', refusal);
    for (const member of this.#members) member.lose('the model is unloaded');
  }

  /** Other engines can serve now: who has none to wait for is refused, the others wait as long as that allows. */
  #reconsiderWaiting(): void {
    for (const waiter of [...this.#queue]) {
      if (this.#isStranded(waiter.need)) this.#refuse(waiter, 'no_engine', this.#noOther());
      else this.#restartTimers(waiter);
    }
  }

  #enqueue(need: EngineNeed, done: AcquireHandler): () => void {
    const { tokens, clientKey } = need;
    const waiter: Waiter = { tokens, clientKey, need, done, isRetry: need.not.size > 0, stopTimers: [] };
    const { isTaken, evicted } = this.#queue.offer(waiter);
    for (const victim of evicted) this.#refuse(victim, 'evicted', this.#full(victim.tokens));
    if (!isTaken) {
      this.#options.metrics.refused('queue_full');
      return refuse(done, this.#full(tokens));
    }
    this.#restartTimers(waiter);
    // A place may be free that those before it can't have.
    this.#dispatch();
    this.#showQueue();
    return () => {
      if (!this.#queue.remove(waiter)) return;
      stopTimers(waiter);
      this.#showQueue();
    };
  }

  /** Gives free places to those that wait. Whoever gives one back at once is seen by the same loop. */
  #dispatch(): void {
    if (this.#isDispatching) return;
    this.#isDispatching = true;
    try {
      for (;;) {
        const waiter = this.#queue.next(({ need }) => this.#someFree(need));
        if (waiter === undefined) break;
        stopTimers(waiter);
        this.#showQueue();
        const member = this.#choose(waiter.need);
        if (member !== undefined) this.#give(member, waiter.need, waiter.done);
      }
    } finally {
      // Also when one of them throws: the others would wait for ever.
      this.#isDispatching = false;
    }
  }

  #give(member: EngineMember, need: EngineNeed, done: AcquireHandler): void {
    if (need.prefixes.length > 0) this.#affinity.record(need.prefixes, member);
    this.#showRunning(1);
    const lease = member.lease((end) => {
      this.#showRunning(-1);
      if (end.outcome === 'done') this.#drainRate.record(this.#now(), end.tokens, end.durationMs);
      this.#options.onEnd?.(member, end);
      this.#dispatch();
    });
    done(lease, undefined);
  }

  #choose(need: EngineNeed): EngineMember | undefined {
    const candidates = [...this.#members].filter((member) => this.#isFree(member, need));
    if (candidates.length < 2) return candidates[0];
    return chooseEngine(candidates, this.#affinity.find(need.prefixes), this.#turn++);
  }

  #someFree(need: EngineNeed): boolean {
    for (const member of this.#members) if (this.#isFree(member, need)) return true;
    return false;
  }

  #isFree(member: EngineMember, need: EngineNeed): boolean {
    const hasPlace = member.isUp && member.running < this.#options.limits.maxConcurrent;
    return hasPlace && !need.not.has(member.engine);
  }

  #someUp(): boolean {
    for (const { isUp } of this.#members) if (isUp) return true;
    return false;
  }

  /** Whether all engines that could serve have failed the request: those that are away may stay so. */
  #isStranded({ not }: EngineNeed): boolean {
    if (not.size === 0) return false;
    const serving = this.#someUp() ? [...this.#members].filter(({ isUp }) => isUp) : [...this.#members];
    return serving.length > 0 && serving.every(({ engine }) => not.has(engine));
  }

  /** Of the request's own deadline, and of how long it waits while no engine is up. */
  #restartTimers(waiter: Waiter): void {
    stopTimers(waiter);
    const { deadline } = waiter.need;
    if (deadline !== undefined) {
      this.#refuseAfter(
        waiter,
        deadline - this.#now(),
        'timeout',
        () => 'had no place for it before its time was over',
      );
    }
    if (this.#someUp()) return;
    this.#refuseAfter(
      waiter,
      WAIT_FOR_ENGINE_MS,
      'no_engine',
      () => `has no engine that can serve: ${this.#whyDown}`,
    );
  }

  #refuseAfter(waiter: Waiter, ms: number, reason: RefusalReason, why: () => string): void {
    const stop = this.#options.clock.after(Math.max(0, ms), () =>
      this.#refuse(waiter, reason, this.#unavailable(why())),
    );
    waiter.stopTimers.push(stop);
  }

  #refuse(waiter: Waiter, reason: RefusalReason, refusal: InferenceServerError): void {
    stopTimers(waiter);
    this.#queue.remove(waiter);
    this.#showQueue();
    this.#options.metrics.refused(reason);
    waiter.done(undefined, refusal);
  }

  /** The refusal of an overload, with the time after which it is worth another try. */
  #full(tokens: number): InferenceServerError {
    const { limits, modelName } = this.#options;
    const { size: waitingRequests, tokens: waitingTokens } = this.#queue;
    const seconds = retryAfterSeconds({
      tokens,
      waitingTokens,
      waitingRequests,
      maxQueueTokens: limits.maxQueueTokens,
      places: this.#members.size * limits.maxConcurrent,
      tokensPerSecond: this.#drainRate.tokensPerSecond(this.#now()),
    });
    const message = `model '${modelName}' has ${waitingRequests} requests of about ${waitingTokens} tokens waiting and takes no more of this client, try again in ${seconds} s`;
    return new InferenceServerError('UNAVAILABLE', message, {
      http: { status: 429, retryAfterSeconds: seconds },
    });
  }

  #noOther(): InferenceServerError {
    return this.#unavailable('has no other engine to try');
  }

  #unavailable(why: string): InferenceServerError {
    return new InferenceServerError('UNAVAILABLE', `model '${this.#options.modelName}' ${why}`);
  }

  #showQueue(): void {
    this.#options.metrics.queueRequests.set(this.#queue.size);
    this.#options.metrics.queueTokens.set(this.#queue.tokens);
  }

  #showRunning(change: number): void {
    this.#running += change;
    this.#options.metrics.running.set(this.#running);
  }

  #now(): number {
    return this.#options.clock.now();
  }
}

function refuse(done: AcquireHandler, refusal: InferenceServerError): () => void {
  done(undefined, refusal);
  return () => undefined;
}

function stopTimers(waiter: Waiter): void {
  for (const stop of waiter.stopTimers) stop();
  waiter.stopTimers = [];
}
