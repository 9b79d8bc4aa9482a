import type { InferenceServerError, Tensor } from '@nereid/protocol';
import type { InferenceResponse } from '../response/inference-response.ts';
import { placeResponse } from '../response/place-outputs.ts';
import type { InferenceRequest, SpentTimes } from '../request/inference-request.ts';
import type { Batch, BatchRunner } from '../scheduler/batch.ts';
import type { Clock } from '../scheduler/clock.ts';
import type { ModelStatistics, ResponseOutcome } from '../telemetry/statistics.ts';
import type { BatchSink, ExecutionTimes, HostedInstance } from './instance-host.ts';
import { InstanceTurn } from './instance-turn.ts';

/** An instance of the pool. States: idle → busy → idle; one that leaves ends what it has got. */
interface PooledInstance {
  readonly hosted: HostedInstance;
  /** Undefined where it may execute at any time. */
  readonly turn: InstanceTurn | undefined;
  /** What it has got, in its order: it executes the first. Empty: it is idle. */
  executions: Execution[];
  /** Requests it has not answered to the end: more than its batch, when the model is decoupled. */
  openCount: number;
  /** Called when it has nothing to do any more, once it is to leave. */
  onLeft: (() => void) | undefined;
}

/** What executions are counted with. */
export interface InstancePoolParts {
  readonly statistics: ModelStatistics;
  readonly clock: Clock;
  readonly decoupled: boolean;
}

/**
 * The instances of one model version. Hands batches to free ones, answers the requests, and counts what the
 * statistics tell.
 */
export class InstancePool implements BatchRunner {
  #instances: PooledInstance[];
  /** Instances that were removed and still end what they have begun. */
  readonly #leaving = new Set<PooledInstance>();
  readonly #parts: InstancePoolParts;
  #idleCount: number;
  onIdle: ((instance: number) => void) | undefined = undefined;

  constructor(instances: readonly HostedInstance[], parts: InstancePoolParts) {
    this.#instances = instances.map((hosted) => this.#toPooled(hosted));
    this.#idleCount = instances.length;
    this.#parts = parts;
  }

  get idleCount(): number {
    return this.#idleCount;
  }

  get instanceCount(): number {
    return this.#instances.length;
  }

  claim(at?: number): number | undefined {
    const index = at ?? this.#instances.findIndex(isIdle);
    const instance = this.#instances[index];
    if (instance === undefined) return undefined;
    if (instance.turn === undefined) return index;
    if (at === undefined) return this.#claimInTurn();
    return instance.turn.ask() ? index : undefined;
  }

  claimAhead(): number | undefined {
    let found: number | undefined;
    let fewest = Infinity;
    for (const [index, { hosted, turn, executions }] of this.#instances.entries()) {
      if (turn !== undefined || hosted.takesNext !== true || executions.length >= fewest) continue;
      found = index;
      fewest = executions.length;
    }
    return found;
  }

  withdraw(at?: number): void {
    if (at !== undefined) this.#instances[at]?.turn?.withdraw();
    else for (const { turn } of this.#instances) turn?.withdraw();
  }

  run(batch: Batch, index: number): void {
    const instance = this.#instances[index];
    if (instance === undefined) throw new Error(`there is no instance ${index}`);
    instance.turn?.take();
    instance.openCount += batch.requests.length;
    const execution: Execution = new Execution(batch, this.#parts, {
      free: () => this.#free(instance, index, execution),
      requestEnded: () => this.#endRequest(instance),
    });
    instance.executions.push(execution);
    if (instance.executions.length === 1) {
      this.#idleCount -= 1;
      execution.begin();
    } else if (instance.hosted.takesNext !== true) {
      throw new Error(`instance ${index} can't take the batch`);
    }
    instance.hosted.execute(batch.requests, execution);
  }

  /** Adds instances. Schedulers that name instances by their index can't do with it: those of sequences. */
  add(instances: readonly HostedInstance[]): void {
    for (const hosted of instances) {
      this.#instances.push(this.#toPooled(hosted));
      this.#idleCount += 1;
      // There may be requests that wait for an instance.
      this.onIdle?.(this.#instances.length - 1);
    }
  }

  /** Gives these instances no more batches, lets them end what they have begun, and closes them. */
  async remove(instances: ReadonlySet<HostedInstance>): Promise<void> {
    const removed = this.#instances.filter(({ hosted }) => instances.has(hosted));
    this.#instances = this.#instances.filter((instance) => !removed.includes(instance));
    await Promise.all(removed.map((instance) => this.#leave(instance)));
  }

  /** Whether all instances can serve. */
  async isReady(): Promise<boolean> {
    const ready = await Promise.all(this.#instances.map(({ hosted }) => hosted.isReady().catch(() => false)));
    return ready.every(Boolean);
  }

  async close(): Promise<void> {
    const all = [...this.#instances, ...this.#leaving];
    this.#leaving.clear();
    await Promise.all(all.map(({ hosted }) => hosted.close()));
  }

  async #leave(instance: PooledInstance): Promise<void> {
    this.#leaving.add(instance);
    instance.turn?.withdraw();
    const { promise: left, resolve } = Promise.withResolvers<void>();
    instance.onLeft = resolve;
    if (isIdle(instance)) this.#idleCount -= 1;
    leaveWhenDone(instance);
    await left;
    // Closing the pool closes those that leave, too.
    if (this.#leaving.delete(instance)) await instance.hosted.close();
  }

  #toPooled(hosted: HostedInstance): PooledInstance {
    const { rateLimit } = hosted;
    const onTurn = (): void => this.onIdle?.(this.#instances.indexOf(pooled));
    const turn = rateLimit && new InstanceTurn(rateLimit, onTurn);
    const pooled: PooledInstance = { hosted, turn, executions: [], openCount: 0, onLeft: undefined };
    return pooled;
  }

  /** Lets all idle instances ask for their turn, until one has it. */
  #claimInTurn(): number | undefined {
    const idle = [...this.#instances.entries()].filter(([, instance]) => isIdle(instance));
    const inTurn = idle.toSorted(([, a], [, b]) => (a.turn?.order ?? 0) - (b.turn?.order ?? 0));
    return inTurn.find(([, { turn }]) => turn?.ask() ?? true)?.[0];
  }

  #free(instance: PooledInstance, index: number, execution: Execution): void {
    const { executions } = instance;
    executions.splice(executions.indexOf(execution), 1);
    executions[0]?.begin();
    // The model's next batch, which the scheduler brings when it hears of the end, competes with the others.
    if (instance.turn === undefined) this.#tellFree(instance, index);
    else instance.turn.end(() => this.#tellFree(instance, index));
  }

  #tellFree(instance: PooledInstance, index: number): void {
    if (instance.onLeft !== undefined) {
      leaveWhenDone(instance);
      return;
    }
    if (isIdle(instance)) this.#idleCount += 1;
    this.onIdle?.(index);
  }

  #endRequest(instance: PooledInstance): void {
    instance.openCount -= 1;
    leaveWhenDone(instance);
  }
}

function isIdle({ executions }: PooledInstance): boolean {
  return executions.length === 0;
}

function leaveWhenDone(instance: PooledInstance): void {
  if (isIdle(instance) && instance.openCount === 0) instance.onLeft?.();
}

const NOTHING_SPENT: Readonly<SpentTimes> = { queueNs: 0, inputNs: 0, inferNs: 0, outputNs: 0 };

/** What the pool hears of an execution. */
interface ExecutionListener {
  /** The instance can take another batch. */
  free(): void;
  /** A request of the batch will be heard of no more. */
  requestEnded(): void;
}

/** A request that was answered. */
interface EndedRequest {
  readonly request: InferenceRequest;
  readonly endedAt: number;
  readonly error: InferenceServerError | undefined;
}

/** One batch on one instance. It begins when the instance has done what it got before. */
class Execution implements BatchSink {
  readonly #batch: Batch;
  readonly #statistics: ModelStatistics;
  readonly #clock: Clock;
  readonly #listener: ExecutionListener;
  readonly #decoupled: boolean;
  #times: ExecutionTimes | undefined;
  #failed = false;
  #hasBegun = false;
  /** Requests that ended before the times of the execution were known (decoupled, in process). */
  #early: EndedRequest[] = [];
  /** The same of requests that were given back. */
  #earlyRescheduled: InferenceRequest[] = [];

  constructor(
    batch: Batch,
    { statistics, clock, decoupled }: InstancePoolParts,
    listener: ExecutionListener,
  ) {
    this.#batch = batch;
    this.#statistics = statistics;
    this.#clock = clock;
    this.#decoupled = decoupled;
    this.#listener = listener;
  }

  /** Notes when the instance takes it up. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const now = this.#clock.now();
    for (const request of this.#batch.requests) {
      request.times.started = now;
      request.trace?.record('COMPUTE_START', now);
      request.trace?.recordTensors('TENSOR_BACKEND_INPUT', request.inputs);
    }
  }

  onResponse(index: number, made: InferenceResponse | undefined, final: boolean): void {
    const request = this.#batch.requests[index];
    if (request === undefined) return;
    if (final) this.#listener.requestEnded();
    if (request.isPadding) {
      request.respond(made, final);
      return;
    }
    // Here already, as outputs that find no room in shared memory count as a failure of the model.
    const response = made && placeResponse(made, request);
    if (request.responseCount === 0)
      this.#statistics.recordFirstResponse(this.#clock.now() - request.times.arrived);
    if (this.#decoupled) this.#countResponse(request, response);
    if (response !== undefined) request.trace?.recordTensors('TENSOR_BACKEND_OUTPUT', response.outputs);
    request.responseCount += 1;
    if (final) {
      this.#trace(request);
      this.#count(request, response?.error);
    }
    request.respond(response, final);
  }

  onReschedule(index: number, states: readonly Tensor[]): void {
    this.#listener.requestEnded();
    const request = this.#batch.requests[index];
    if (request === undefined) return;
    this.#trace(request);
    if (this.#times === undefined) this.#earlyRescheduled.push(request);
    else this.#addSpent(request, this.#times);
    request.reschedule(states);
  }

  onDone(times: ExecutionTimes, failed: boolean): void {
    this.#times = times;
    this.#failed = failed;
    const { inputNs, inferNs, outputNs } = times;
    if (failed) this.#statistics.recordFailedExecution(this.#batch.size, inputNs, inferNs, outputNs);
    else this.#statistics.recordExecution(this.#batch.size, inputNs, inferNs, outputNs);
    for (const request of this.#earlyRescheduled) this.#addSpent(request, times);
    this.#earlyRescheduled = [];
    for (const ended of this.#early) this.#record(ended);
    this.#early = [];
    this.#listener.free();
  }

  /** The statistics of a decoupled model by the place of the response. */
  #countResponse(
    { responseCount, times: { started } }: InferenceRequest,
    response: InferenceResponse | undefined,
  ): void {
    const computeInferNs = this.#clock.now() - started;
    const outcome = outcomeOf(response);
    this.#statistics.recordResponse(responseCount, { computeInferNs, computeOutputNs: 0, outcome });
  }

  #trace({ trace, times: { started } }: InferenceRequest): void {
    if (trace === undefined) return;
    const { inputNs, inferNs } = this.#times ?? { inputNs: 0, inferNs: this.#clock.now() - started };
    trace.record('COMPUTE_INPUT_END', started + inputNs);
    trace.record('COMPUTE_OUTPUT_START', started + inputNs + inferNs);
    trace.record('COMPUTE_END');
  }

  #count(request: InferenceRequest, error: InferenceServerError | undefined): void {
    const ended = { request, endedAt: this.#clock.now(), error };
    if (this.#times === undefined) this.#early.push(ended);
    else this.#record(ended);
  }

  #record({ request, endedAt, error }: EndedRequest): void {
    const { arrived, queued, started } = request.times;
    if (this.#failed || error !== undefined) {
      const reason = error?.code === 'CANCELLED' ? 'CANCELED' : 'BACKEND';
      this.#statistics.recordFailure(endedAt - arrived, reason);
      return;
    }
    const { inputNs = 0, inferNs = 0, outputNs = 0 } = this.#times ?? {};
    const earlier = request.spent ?? NOTHING_SPENT;
    this.#statistics.recordSuccess(
      endedAt - arrived,
      earlier.queueNs + started - queued,
      earlier.inputNs + inputNs,
      earlier.inferNs + inferNs,
      earlier.outputNs + outputNs,
    );
  }

  /** A request counts once, with all its executions. */
  #addSpent({ spent, times }: InferenceRequest, { inputNs, inferNs, outputNs }: ExecutionTimes): void {
    if (spent === undefined) return;
    spent.queueNs += times.started - times.queued;
    spent.inputNs += inputNs;
    spent.inferNs += inferNs;
    spent.outputNs += outputNs;
  }
}

function outcomeOf(response: InferenceResponse | undefined): ResponseOutcome['outcome'] {
  if (response === undefined) return 'empty';
  if (response.error === undefined) return 'success';
  return response.error.code === 'CANCELLED' ? 'cancel' : 'fail';
}
