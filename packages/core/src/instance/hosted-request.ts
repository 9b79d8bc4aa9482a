import type { BackendRequest, BackendResponse, TraceContext } from '@nereid/backend-sdk';
import { InferenceServerError, type Parameters, type SequenceFields, type Tensor } from '@nereid/protocol';
import type { RequestTrace } from '../telemetry/trace.ts';
import { errorResponse, type InferenceResponse } from '../response/inference-response.ts';

/** What a backend sees of a request, as plain data. */
export interface HostedRequestFields {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly batchSize: number;
  readonly requestedOutputs: readonly string[];
  readonly parameters: Parameters;
  readonly sequence: SequenceFields | undefined;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly deadline: number | undefined;
  readonly traceContext: TraceContext | undefined;
}

/** The execution that a request belongs to. */
export interface HostedExecution {
  readonly decoupled: boolean;
  readonly iterative: boolean;
  readonly backendName: string;
  readonly modelName: string;
  respond(index: number, response: InferenceResponse | undefined, final: boolean): void;
  /** The backend notes a moment in the trace of a request that has one. */
  recordActivity(index: number, name: string): void;
  /** The request is to be executed again, with these state outputs. */
  reschedule(index: number, states: readonly Tensor[]): void;
}

/** The SDK's request, in the thread where the backend runs. */
export class HostedRequest implements BackendRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly batchSize: number;
  readonly requestedOutputs: readonly string[];
  readonly parameters: Parameters;
  readonly sequence: SequenceFields | undefined;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly deadline: number | undefined;
  readonly traceContext: TraceContext | undefined;
  /** Of a traced request on the serving thread: calls to other models become its children. */
  readonly trace: RequestTrace | undefined;
  readonly #execution: HostedExecution;
  readonly #index: number;
  #ended = false;
  #isAnsweredLater = false;
  #cancelled = false;
  #paused = false;
  /** Backends that wait until a further response is wanted. */
  #waiting: (() => void)[] = [];
  #pauseListeners: ((isPaused: boolean) => void)[] | undefined;
  #abort: AbortController | undefined;
  #cancelListeners: (() => void)[] | undefined;

  constructor(execution: HostedExecution, index: number, fields: HostedRequestFields, trace?: RequestTrace) {
    this.id = fields.id;
    this.inputs = fields.inputs;
    this.batchSize = fields.batchSize;
    this.requestedOutputs = fields.requestedOutputs;
    this.parameters = fields.parameters;
    this.sequence = fields.sequence;
    this.priority = fields.priority;
    this.timeoutUs = fields.timeoutUs;
    this.deadline = fields.deadline;
    this.traceContext = fields.traceContext;
    this.trace = trace;
    this.#execution = execution;
    this.#index = index;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** Whether its backend may return from `execute` without having answered it. */
  get isAnsweredLater(): boolean {
    return this.#isAnsweredLater;
  }

  get isCancelled(): boolean {
    return this.#cancelled;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#cancelled) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  onCancel(listener: () => void): void {
    if (this.#cancelled) listener();
    else if (this.#cancelListeners === undefined) this.#cancelListeners = [listener];
    else this.#cancelListeners.push(listener);
  }

  ready(): Promise<void> {
    if (!this.#paused || this.#cancelled) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  onPause(listener: (isPaused: boolean) => void): void {
    if (this.#pauseListeners === undefined) this.#pauseListeners = [listener];
    else this.#pauseListeners.push(listener);
    if (this.#paused) listener(true);
  }

  answerLater(): void {
    this.#isAnsweredLater = true;
  }

  recordActivity(name: string): void {
    if (this.traceContext !== undefined && !this.#ended) this.#execution.recordActivity(this.#index, name);
  }

  input(name: string): Tensor | undefined {
    return this.inputs.find((tensor) => tensor.name === name);
  }

  wants(output: string): boolean {
    return this.requestedOutputs.includes(output);
  }

  send(response: BackendResponse, final = !this.#execution.decoupled): void {
    const { outputs, parameters, spent } = response;
    this.#respond({ outputs, parameters, error: undefined, spent }, final);
  }

  sendError(error: unknown, final = !this.#execution.decoupled): void {
    this.#respond(errorResponse(InferenceServerError.from(error)), final);
  }

  complete(): void {
    if (!this.#ended) this.#respond(undefined, true);
  }

  reschedule(states: readonly Tensor[] = []): void {
    const { modelName, backendName, iterative } = this.#execution;
    this.#assertOpen('rescheduled');
    if (!iterative) {
      throw new InferenceServerError(
        'INTERNAL',
        `backend '${backendName}' rescheduled a request of model '${modelName}', whose configuration does not say ` +
          "'iterative_sequence: true' in 'sequence_batching'",
      );
    }
    this.#ended = true;
    this.#execution.reschedule(this.#index, states);
  }

  /** The client has gone. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort();
    const listeners = this.#cancelListeners ?? [];
    this.#cancelListeners = undefined;
    for (const listener of listeners) listener();
    this.#wake();
  }

  /** Whoever takes the responses can't keep up, or can again. */
  pause(_request: unknown, isPaused: boolean): void {
    if (this.#paused === isPaused) return;
    this.#paused = isPaused;
    if (!isPaused) this.#wake();
    for (const listener of this.#pauseListeners ?? []) listener(isPaused);
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  #respond(response: InferenceResponse | undefined, final: boolean): void {
    const { modelName, backendName, decoupled } = this.#execution;
    this.#assertOpen('answered');
    if (!final && !decoupled) {
      throw new InferenceServerError(
        'INTERNAL',
        `backend '${backendName}' sent a response that is not final, but model '${modelName}' is not decoupled`,
      );
    }
    this.#ended = final;
    this.#execution.respond(this.#index, response, final);
  }

  #assertOpen(what: string): void {
    if (!this.#ended) return;
    const { modelName, backendName } = this.#execution;
    throw new InferenceServerError(
      'INTERNAL',
      `backend '${backendName}' ${what} a request of model '${modelName}' after its final response`,
    );
  }
}
