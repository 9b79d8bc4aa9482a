import {
  InferenceServerError,
  type BackendRequest,
  type Parameters,
  type SequenceFields,
  type TraceContext,
} from '@nereid/backend-sdk';
import { InferTensor } from './infer-tensor.ts';
import type { ModelResponse, OutputValue, ResponseBuilder } from './model-response.ts';

/** A request as a model sees it: validated against the configuration. */
export class InferRequest {
  /** The request as the server hands it to any backend, for what is written with `@nereid/backend-sdk`. */
  readonly backendRequest: BackendRequest;
  readonly #responses: ResponseBuilder;
  #isEnded = false;

  constructor(request: BackendRequest, responses: ResponseBuilder) {
    this.backendRequest = request;
    this.#responses = responses;
  }

  /** The client's id, '' when it gave none. */
  get id(): string {
    return this.backendRequest.id;
  }

  /** The inputs that were given, in the order of the configuration. */
  get inputs(): readonly InferTensor[] {
    return this.backendRequest.inputs.map((tensor) => new InferTensor(tensor));
  }

  /** @throws InferenceServerError INVALID_ARG when the input was left out: see {@link optionalInput}. */
  input(name: string): InferTensor {
    const input = this.optionalInput(name);
    if (input !== undefined) return input;
    const given = this.backendRequest.inputs.map((tensor) => `'${tensor.name}'`).join(', ') || 'none';
    throw new InferenceServerError('INVALID_ARG', `expected input '${name}', found ${given}`);
  }

  /** The input of that name, undefined when it was left out. */
  optionalInput(name: string): InferTensor | undefined {
    const tensor = this.backendRequest.input(name);
    return tensor && new InferTensor(tensor);
  }

  /** Rows along the batch dimension; 1 for a model with `max_batch_size: 0`. */
  get batchSize(): number {
    return this.backendRequest.batchSize;
  }

  /** Names of the outputs the client wants; never empty. */
  get requestedOutputs(): readonly string[] {
    return this.backendRequest.requestedOutputs;
  }

  /**
   * Resolves when a further answer is wanted: for models that answer many times through `send`. A generator is
   * waited for by itself.
   */
  ready(): Promise<void> {
    return this.backendRequest.ready();
  }

  /** Whether the client wants an output: asked before computing one that is dear. */
  wants(output: string): boolean {
    return this.backendRequest.wants(output);
  }

  /** Custom parameters of the request; an empty object when there are none. */
  get parameters(): Parameters {
    return this.backendRequest.parameters;
  }

  /** The sequence it belongs to, with its start and end flags. */
  get sequence(): SequenceFields | undefined {
    return this.backendRequest.sequence;
  }

  get priority(): number {
    return this.backendRequest.priority;
  }

  /** When the client stops waiting, in milliseconds since the epoch; undefined: no limit. */
  get deadline(): number | undefined {
    return this.backendRequest.deadline;
  }

  /** The trace it belongs to; undefined when it is not traced. Its `traceparent` is for what the model calls. */
  get traceContext(): TraceContext | undefined {
    return this.backendRequest.traceContext;
  }

  /**
   * Notes a moment in the trace of the request, as of now; nothing happens when it is not traced. What lies between
   * `<name>_START` and `<name>_END` becomes a span of its own.
   */
  recordActivity(name: string): void {
    this.backendRequest.recordActivity(name);
  }

  /** Whether the client has gone or cancelled. */
  get isCancelled(): boolean {
    return this.backendRequest.isCancelled;
  }

  /** Aborts when the client goes or cancels: for `fetch`, timers and whatever else takes one. */
  get signal(): AbortSignal {
    return this.backendRequest.signal;
  }

  /** Whether the final response was sent, or the request given back. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Sends a response of a decoupled model, which may do so after `execute` has returned.
   *
   * @param final - Whether it is the last one. Default: false.
   * @throws InferenceServerError INTERNAL when the request has ended, or the model is not decoupled and this is
   *   not the final response.
   */
  send(response: ModelResponse, final = false): void {
    this.backendRequest.send(this.#responses.build(response, this.backendRequest), final);
    this.#isEnded = final;
  }

  /**
   * Sends an error as response; anything thrown may be given.
   *
   * @param final - Default: true.
   */
  sendError(error: unknown, final = true): void {
    this.backendRequest.sendError(error, final);
    this.#isEnded = final;
  }

  /** Sends a response, or the error in its place. */
  answer(answer: ModelResponse | Error, final: boolean): void {
    if (answer instanceof Error) this.sendError(answer, final);
    else this.send(answer, final);
  }

  /**
   * Gives the request back, to be executed again in a later batch: a model with `sequence_batching {
   * iterative_sequence: true }` works through it step by step, and new requests join between the steps.
   *
   * @param states - Outputs that carry the implicit state for the next execution. Default: they stay as they are.
   * @throws InferenceServerError INTERNAL when the model is not iterative, the request has ended, or the states are not
   *   state outputs by name.
   */
  reschedule(states: Readonly<Record<string, OutputValue>> = {}): void {
    this.backendRequest.reschedule(this.#responses.buildStates(states, this.backendRequest.batchSize));
    this.#isEnded = true;
  }

  /** Ends the request of a decoupled model without a further response. */
  complete(): void {
    this.backendRequest.complete();
    this.#isEnded = true;
  }
}
