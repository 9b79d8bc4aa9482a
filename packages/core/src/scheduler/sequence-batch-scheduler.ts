import { InferenceServerError, type SequenceFields, type Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { requestIdPrefix, type InferenceRequest, type RequestHolder } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { FailureReason } from '../telemetry/statistics.ts';
import { Alarm } from './alarm.ts';
import type { Clock } from './clock.ts';
import type { QueueStatistics } from './dynamic-batch-scheduler.ts';
import { InFlight } from './in-flight.ts';
import { ResponseOrder } from './response-order.ts';
import type { LiveSequences, Scheduler } from './scheduler.ts';
import { assertSequenceRequest, notStarted, sequenceKey, type SequenceKey } from './sequence-key.ts';
import { SequenceSlots, type LiveSequence } from './sequence-slots.ts';
import type { SequenceState } from './sequence-state.ts';
import type { SequenceRequest, SequenceSteps } from './sequence-steps.ts';
import type { StepBatcher } from './step-batcher.ts';

/** What a sequence scheduler is made of. */
export interface SequenceParts {
  readonly config: ModelConfig;
  /** One for each instance. */
  readonly batchers: readonly StepBatcher[];
  /** Sequences that each batcher has at a time. */
  readonly slotsPerBatcher: number;
  readonly state: SequenceState;
  readonly steps: SequenceSteps;
  readonly clock: Clock;
  readonly statistics: QueueStatistics;
  /** Told of what clients probably did not want. */
  readonly warn: (message: string) => void;
}

type Sequence = LiveSequence<SequenceRequest>;

/** Ids made by the server begin here: far from those that clients choose. */
const GENERATED_IDS = 1n << 62n;

/**
 * Keeps the requests of each sequence in order, on one instance and, with strategy "direct", in one row of its batches,
 * and carries the implicit state from one to the next. Sequences beyond the slots wait in a backlog. Which sequence
 * has which slot is the business of `SequenceSlots`, which steps run together that of the batchers.
 */
export class SequenceBatchScheduler implements Scheduler, LiveSequences {
  readonly #parts: SequenceParts;
  readonly #slots: SequenceSlots<SequenceRequest>;
  readonly #isIterative: boolean;
  readonly #order: ResponseOrder | undefined;
  readonly #inFlight = new InFlight();
  readonly #idleAlarm: Alarm;
  readonly #backlogAlarm: Alarm;
  #generated = 0n;
  #takesStarts = true;
  #whenOver: (() => void)[] = [];

  constructor(parts: SequenceParts) {
    const { batchers, slotsPerBatcher, clock, config } = parts;
    const batching = config.sequence_batching;
    this.#parts = parts;
    this.#isIterative = batching?.iterative_sequence ?? false;
    this.#order = batching?.oldest?.preserve_ordering === true ? new ResponseOrder() : undefined;
    // Row by row over all instances: batches stay small, and instances share the work.
    const slots = Array.from(
      { length: batchers.length * slotsPerBatcher },
      (_, at) => (at % batchers.length) * slotsPerBatcher + Math.floor(at / batchers.length),
    );
    const idleNs = (batching?.max_sequence_idle_microseconds || 1_000_000) * 1000;
    this.#slots = new SequenceSlots({ slots, idleNs });
    this.#idleAlarm = new Alarm(clock, () => this.#expireIdle());
    this.#backlogAlarm = new Alarm(clock, () => this.#expireBacklog());
  }

  /** A live sequence counts even while it is idle: its client will go on. */
  get inFlightCount(): number {
    return Math.max(this.#inFlight.count, this.#slots.liveCount);
  }

  get sequences(): LiveSequences {
    return this;
  }

  has(id: SequenceFields['id']): boolean {
    return this.#slots.isOpen(sequenceKey(id));
  }

  refuseStarts(): Promise<void> {
    this.#takesStarts = false;
    return this.#over();
  }

  cutShort(): number {
    const count = this.#slots.liveCount;
    for (const next of this.#slots.closeAll()) this.#advance(next);
    this.#tellWhenOver();
    return count;
  }

  async drain(): Promise<void> {
    await this.#over();
    await this.#inFlight.drain();
  }

  enqueue(request: InferenceRequest): void {
    const { clock, statistics, steps } = this.#parts;
    const fields = this.#fieldsOf(request);
    assertSequenceRequest(request, fields.id);
    steps.controls.checkId(request, fields.id);
    const key = sequenceKey(fields.id);
    this.#checkStart(request, fields, key);
    const now = clock.now();
    const spent = this.#isIterative ? { queueNs: 0, inputNs: 0, inferNs: 0, outputNs: 0 } : undefined;
    const sequence = this.#slots.add({
      key,
      request: { request, fields, steps: 0, spent, step: undefined },
      isStart: fields.start,
      // Each request of an iterative model is a sequence of its own.
      isEnd: fields.end || this.#isIterative,
      deadline: request.timeoutUs > 0 ? now + request.timeoutUs * 1000 : Infinity,
    });
    if (sequence === undefined) throw notStarted(request, fields.id);
    request.times.queued = now;
    request.holder = new SequenceHolder(sequence, this.#cut);
    this.#inFlight.add(request);
    statistics.pending += 1;
    if (sequence.slot !== undefined) this.#advance(sequence);
    else if (sequence.deadline < Infinity) this.#backlogAlarm.at(sequence.deadline);
  }

  /** The client of a request has gone: without it, the rest of its sequence makes no sense (SCH-22). */
  readonly #cut = (sequence: Sequence, request: InferenceRequest): void => {
    const { dropped, next } = this.#slots.cut(sequence);
    if (sequence.running?.request === request) sequence.running.step?.cancel();
    for (const each of dropped) {
      const reason =
        each.request === request ? 'request was cancelled' : 'another request of the sequence was cancelled';
      const message = requestIdPrefix(each.request.id) + reason;
      this.#drop(each, 'CANCELED', new InferenceServerError('CANCELLED', message));
    }
    if (next !== undefined) this.#advance(next);
    this.#tellWhenOver();
  };

  close(): void {
    this.#idleAlarm.cancel();
    this.#backlogAlarm.cancel();
    for (const each of this.#slots.clear())
      this.#drop(each, 'OTHER', new InferenceServerError('UNAVAILABLE', 'the model is unloaded'));
    for (const batcher of this.#parts.batchers) batcher.close();
    this.#tellWhenOver();
  }

  /** The sequence of a request; an iterative model makes one for a request that names none. */
  #fieldsOf({ sequence }: InferenceRequest): SequenceFields {
    const isNamed = sequence !== undefined && sequence.id !== 0 && sequence.id !== '';
    if (isNamed || !this.#isIterative) return sequence ?? { id: 0, start: false, end: false };
    let id: bigint;
    do id = GENERATED_IDS + (this.#generated += 1n);
    while (this.#slots.isOpen(sequenceKey(id)));
    const isString = this.#parts.steps.controls.takesString;
    return { id: isString ? `nereid-${String(id)}` : id, start: true, end: false };
  }

  #checkStart(request: InferenceRequest, { id, start }: SequenceFields, key: SequenceKey): void {
    if (!start) return;
    if (!this.#takesStarts) {
      const message = `${requestIdPrefix(request.id)}model '${request.modelName}' takes no new sequences: the server is shutting down`;
      throw new InferenceServerError('UNAVAILABLE', message);
    }
    if (!this.#slots.isOpen(key)) return;
    this.#parts.warn(
      `sequence ${String(id)} of model '${request.modelName}' starts again before it ended: what it had is given up`,
    );
  }

  /** Runs the next request of a sequence if there is one and none is running. */
  #advance(sequence: Sequence): void {
    const next = this.#slots.next(sequence);
    if (next === undefined) return;
    this.#parts.statistics.pending -= 1;
    if (next.fields.start) sequence.state = this.#parts.state.initial();
    this.#order?.track(next.request);
    this.#run(sequence, next);
  }

  #run(sequence: Sequence, next: SequenceRequest): void {
    const { batchers, slotsPerBatcher, steps } = this.#parts;
    const slot = sequence.slot ?? 0;
    const step = steps.create(next, sequence.state, (response, final) => {
      this.#onResponse(sequence, next, { response, final });
    });
    step.onReschedule = (states) => this.#onReschedule(sequence, next, states);
    step.pause(next.request.isPaused);
    next.step = step;
    next.steps += 1;
    try {
      batchers[Math.floor(slot / slotsPerBatcher)]?.enqueue(step, slot % slotsPerBatcher);
    } catch (error) {
      step.fail(InferenceServerError.from(error));
    }
  }

  #onResponse(
    sequence: Sequence,
    { request }: SequenceRequest,
    { response, final }: { response: InferenceResponse | undefined; final: boolean },
  ): void {
    const { state, steps } = this.#parts;
    const answer = response && steps.visible(response, request, sequence.state);
    if (response !== undefined && answer?.error === undefined)
      sequence.state = state.next(sequence.state, response.outputs);
    request.responseCount += 1;
    // Before the next step runs: its answer must not come first.
    request.respond(answer, final);
    if (final) this.#onEnd(sequence);
  }

  #onReschedule(sequence: Sequence, rescheduled: SequenceRequest, states: readonly Tensor[]): void {
    sequence.state = this.#parts.state.next(sequence.state, states);
    if (!rescheduled.request.isCancelled) {
      rescheduled.request.trace?.record('QUEUE_START');
      this.#run(sequence, rescheduled);
      return;
    }
    const message = `${requestIdPrefix(rescheduled.request.id)}request was cancelled`;
    this.#refuse(rescheduled, 'CANCELED', new InferenceServerError('CANCELLED', message));
    this.#onEnd(sequence);
  }

  #onEnd(sequence: Sequence): void {
    const next = this.#slots.finish(sequence, this.#parts.clock.now());
    if (next !== undefined) this.#advance(next);
    else this.#idleAlarm.at(this.#slots.nextIdleExpiry());
    this.#tellWhenOver();
  }

  #expireIdle(): void {
    for (const next of this.#slots.expireIdle(this.#parts.clock.now())) this.#advance(next);
    this.#idleAlarm.at(this.#slots.nextIdleExpiry());
    this.#tellWhenOver();
  }

  #expireBacklog(): void {
    for (const each of this.#slots.expireBacklog(this.#parts.clock.now())) {
      const message = `${requestIdPrefix(each.request.id)}timeout of the corresponding sequence has been expired`;
      this.#drop(each, 'REJECTED', new InferenceServerError('UNAVAILABLE', message));
    }
    this.#backlogAlarm.at(this.#slots.nextDeadline());
    this.#tellWhenOver();
  }

  /** Refuses a request that waits. */
  #drop(waiting: SequenceRequest, reason: FailureReason, error: InferenceServerError): void {
    this.#parts.statistics.pending -= 1;
    this.#refuse(waiting, reason, error);
  }

  #refuse({ request }: SequenceRequest, reason: FailureReason, error: InferenceServerError): void {
    const { clock, statistics } = this.#parts;
    statistics.recordFailure(clock.now() - request.times.arrived, reason);
    request.fail(error);
  }

  /** Resolves when no sequence is left. */
  #over(): Promise<void> {
    if (this.#slots.liveCount === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#whenOver.push(resolve);
    });
  }

  #tellWhenOver(): void {
    if (this.#slots.liveCount > 0) return;
    const waiting = this.#whenOver;
    this.#whenOver = [];
    for (const resolve of waiting) resolve();
  }
}

/** Has a request for its sequence. No weak map: as many requests as wait would be looked through in each collection. */
class SequenceHolder implements RequestHolder {
  readonly #sequence: Sequence;
  readonly #cut: (sequence: Sequence, request: InferenceRequest) => void;

  constructor(sequence: Sequence, cut: (sequence: Sequence, request: InferenceRequest) => void) {
    this.#sequence = sequence;
    this.#cut = cut;
  }

  cancel(request: InferenceRequest): void {
    this.#cut(this.#sequence, request);
  }

  /** Whoever takes the responses can't keep up, or can again. */
  pause(request: InferenceRequest, isPaused: boolean): void {
    const { running } = this.#sequence;
    if (running?.request === request) running.step?.pause(isPaused);
  }
}
