import { InferenceServerError, type InferRequestedOutput } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { InferenceRequest, requestIdPrefix } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { Clock, TimerHandle } from './clock.ts';
import { createControlInputs, type ControlInputs } from './control-inputs.ts';
import { InFlight } from './in-flight.ts';
import type { Scheduler } from './scheduler.ts';
import type { SequenceState } from './sequence-state.ts';

/** What a sequence scheduler is made of. */
export interface SequenceParts {
  readonly config: ModelConfig;
  /** Batches the steps of different sequences. */
  readonly batcher: Scheduler;
  readonly state: SequenceState;
  readonly clock: Clock;
}

/** A sequence that goes on. At most one of its requests executes at a time. */
interface Sequence {
  readonly waiting: InferenceRequest[];
  state: readonly InferenceRequest['inputs'][number][];
  isBusy: boolean;
  /** Whether its END request was seen: the next one must start anew. */
  isEnding: boolean;
  lastUse: number;
}

/**
 * Keeps the steps of each sequence in order and its implicit state between them, and lets steps of different
 * sequences run together (strategy "oldest"). More sequences than `max_candidate_sequences` wait.
 */
export class SequenceBatchScheduler implements Scheduler {
  readonly #parts: SequenceParts;
  readonly #controls: ControlInputs;
  readonly #candidates: number;
  readonly #idleNs: number;
  readonly #inFlight = new InFlight();
  readonly #active = new Map<string, Sequence>();
  /** Sequences that wait for a place, in the order of their START. */
  readonly #backlog = new Map<string, Sequence>();
  #idleTimer: TimerHandle | undefined;

  constructor(parts: SequenceParts) {
    const batching = parts.config.sequence_batching;
    this.#parts = parts;
    this.#controls = createControlInputs(parts.config);
    this.#candidates = batching?.oldest?.max_candidate_sequences || Math.max(1, parts.config.max_batch_size);
    this.#idleNs = (batching?.max_sequence_idle_microseconds || 1_000_000) * 1000;
  }

  get inFlightCount(): number {
    return this.#inFlight.count;
  }

  async drain(): Promise<void> {
    while (this.#active.size + this.#backlog.size > 0) {
      await new Promise<void>((resolve) => {
        this.#parts.clock.schedule(this.#parts.clock.now() + 20_000_000, resolve);
      });
    }
    await this.#inFlight.drain();
  }

  enqueue(request: InferenceRequest): void {
    const key = this.#keyOf(request);
    const sequence = this.#sequenceFor(request, key);
    request.times.queued = this.#parts.clock.now();
    sequence.lastUse = request.times.queued;
    sequence.isEnding = request.sequence?.end ?? false;
    sequence.waiting.push(request);
    this.#inFlight.add(request);
    this.#armIdleTimer();
    if (this.#active.has(key)) this.#advance(key, sequence);
  }

  close(): void {
    this.#idleTimer?.cancel();
    for (const { waiting } of [...this.#active.values(), ...this.#backlog.values()]) {
      for (const request of waiting)
        request.fail(new InferenceServerError('UNAVAILABLE', 'the model is unloaded'));
    }
    this.#active.clear();
    this.#backlog.clear();
    this.#parts.batcher.close();
  }

  #keyOf({ id, sequence, modelName, batchSize }: InferenceRequest): string {
    if (sequence === undefined || sequence.id === 0 || sequence.id === '') {
      throw new InferenceServerError(
        'INVALID_ARG',
        `${requestIdPrefix(id)}inference request to model '${modelName}' must specify a non-zero or non-empty correlation ID`,
      );
    }
    if (batchSize !== 1) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `${requestIdPrefix(id)}inference request to model '${modelName}' must specify batch-size 1 due to requirements of sequence batcher`,
      );
    }
    return `${typeof sequence.id === 'string' ? 's' : 'n'}${sequence.id}`;
  }

  /** The sequence of a request: the one that goes on, or a new one when it starts. */
  #sequenceFor(request: InferenceRequest, key: string): Sequence {
    const known = this.#active.get(key) ?? this.#backlog.get(key);
    if (known !== undefined && (!known.isEnding || request.sequence?.start === true)) return known;
    if (request.sequence?.start !== true) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `${requestIdPrefix(request.id)}inference request for sequence ${String(request.sequence?.id)} to model ` +
          `'${request.modelName}' must specify the START flag on the first request of the sequence`,
      );
    }
    const sequence: Sequence = { waiting: [], state: [], isBusy: false, isEnding: false, lastUse: 0 };
    const place = this.#active.size < this.#candidates ? this.#active : this.#backlog;
    place.set(key, sequence);
    return sequence;
  }

  /** Runs the next step of a sequence if none is running. */
  #advance(key: string, sequence: Sequence): void {
    if (sequence.isBusy) return;
    const request = sequence.waiting.shift();
    if (request === undefined) return;
    sequence.isBusy = true;
    if (request.sequence?.start === true) sequence.state = this.#parts.state.initial();
    const step = this.#createStep(request, sequence, key);
    try {
      this.#parts.batcher.enqueue(step);
    } catch (error) {
      this.#onStepEnd(key, sequence, request);
      request.fail(InferenceServerError.from(error));
    }
  }

  /** The request that the model sees: with control and state inputs, and asking for the state outputs too. */
  #createStep(request: InferenceRequest, sequence: Sequence, key: string): InferenceRequest {
    const { config, state } = this.#parts;
    const fields = request.sequence ?? { id: 0, start: false, end: false };
    const wanted =
      request.requestedOutputs.length > 0 ? request.requestedOutputs : config.output.map(toRequested);
    const step = new InferenceRequest(
      {
        id: request.id,
        modelName: request.modelName,
        modelVersion: request.modelVersion,
        inputs: [...request.inputs, ...this.#controls(fields, fields.start, fields.end), ...sequence.state],
        requestedOutputs: [...wanted, ...[...state.outputNames].map((name) => toRequested({ name }))],
        batchSize: request.batchSize,
        priority: request.priority,
        timeoutUs: request.timeoutUs,
        sequence: request.sequence,
        parameters: request.parameters,
        trace: request.trace,
      },
      (response, final) => {
        const answer = response && this.#keepState(response, sequence);
        if (final) this.#onStepEnd(key, sequence, request);
        request.respond(answer, final);
      },
    );
    step.times.arrived = request.times.arrived;
    request.holder = step;
    return step;
  }

  #keepState(response: InferenceResponse, sequence: Sequence): InferenceResponse {
    const { state } = this.#parts;
    if (state.outputNames.size === 0 || response.error !== undefined) return response;
    sequence.state = state.next(response.outputs);
    return { ...response, outputs: response.outputs.filter(({ name }) => !state.outputNames.has(name)) };
  }

  #onStepEnd(key: string, sequence: Sequence, request: InferenceRequest): void {
    sequence.isBusy = false;
    sequence.lastUse = this.#parts.clock.now();
    if (request.sequence?.end === true && sequence.waiting.length === 0) this.#end(key);
    else this.#advance(key, sequence);
  }

  /** Frees the place of a sequence for the first one of the backlog. */
  #end(key: string): void {
    this.#active.delete(key);
    const [next] = this.#backlog;
    if (next === undefined) return;
    this.#backlog.delete(next[0]);
    this.#active.set(next[0], next[1]);
    this.#advance(next[0], next[1]);
  }

  #armIdleTimer(): void {
    if (this.#idleTimer !== undefined) return;
    const idle = [...this.#active.values()].filter(({ isBusy, waiting }) => !isBusy && waiting.length === 0);
    const first = Math.min(...idle.map(({ lastUse }) => lastUse), this.#parts.clock.now());
    this.#idleTimer = this.#parts.clock.schedule(first + this.#idleNs, () => {
      this.#idleTimer = undefined;
      this.#dropIdle();
    });
  }

  #dropIdle(): void {
    const limit = this.#parts.clock.now() - this.#idleNs;
    for (const [key, { isBusy, waiting, lastUse }] of [...this.#active]) {
      if (!isBusy && waiting.length === 0 && lastUse <= limit) this.#end(key);
    }
    if (this.#active.size > 0) this.#armIdleTimer();
  }
}

function toRequested({ name }: { readonly name: string }): InferRequestedOutput {
  return { name, classification: 0, binaryData: false };
}
