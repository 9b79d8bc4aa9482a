import { InferenceServerError, type Parameters, type SequenceFields, type Tensor } from '@nereid/protocol';
import type { BackendRequest } from '../backend-request.ts';
import type { TraceContext } from '../trace-context.ts';
import type { BackendResponse } from '../response-sender.ts';

/** What a test says of a request; the rest has defaults. */
export interface TestRequestInit {
  readonly inputs: readonly Tensor[];
  /** Outputs wanted. {@link TestModel.run} fills in all outputs of the model. */
  readonly outputs?: readonly string[];
  /** Default: the first dimension of the first input, or 1. */
  readonly batchSize?: number;
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly sequence?: SequenceFields;
  readonly priority?: number;
  readonly deadline?: number;
  /** Default: 0, no limit. */
  readonly timeoutUs?: number;
  readonly traceContext?: TraceContext;
  /** Whether any number of responses may be sent. Default: false. */
  readonly decoupled?: boolean;
  /** Whether it may be rescheduled. Default: false. */
  readonly iterative?: boolean;
}

/** A response that a backend sent to a {@link TestRequest}: outputs or an error, never both. */
export interface TestResponse {
  readonly outputs: readonly Tensor[];
  readonly parameters: Parameters | undefined;
  readonly error: InferenceServerError | undefined;
  readonly final: boolean;
}

/** A request that records what it is answered, and holds a backend to the rules of {@link BackendRequest}. */
export class TestRequest implements BackendRequest {
  readonly id: string;
  readonly inputs: readonly Tensor[];
  readonly batchSize: number;
  readonly requestedOutputs: readonly string[];
  readonly parameters: Parameters;
  readonly sequence: SequenceFields | undefined;
  readonly priority: number;
  readonly deadline: number | undefined;
  readonly timeoutUs: number;
  readonly traceContext: TraceContext | undefined;
  /** What was sent so far. */
  readonly responses: TestResponse[] = [];
  /** The states it was rescheduled with; undefined: it was not. */
  rescheduled: readonly Tensor[] | undefined = undefined;
  /** Whether its answer was announced for after `execute`. */
  isAnsweredLater = false;
  /** Names of the moments that were noted for its trace. */
  readonly activities: string[] = [];
  /** Resolves when the final response was sent, or the request was completed or rescheduled. */
  readonly ended: Promise<void>;
  readonly #decoupled: boolean;
  readonly #iterative: boolean;
  readonly #abort = new AbortController();
  readonly #pauseListeners: ((isPaused: boolean) => void)[] = [];
  #isPaused = false;
  #ready: PromiseWithResolvers<void> | undefined;
  #isEnded = false;
  #resolveEnded: () => void;

  constructor(init: TestRequestInit) {
    this.id = init.id ?? '';
    this.inputs = init.inputs;
    this.batchSize = init.batchSize ?? init.inputs[0]?.shape[0] ?? 1;
    this.requestedOutputs = init.outputs ?? [];
    this.parameters = init.parameters ?? {};
    this.sequence = init.sequence;
    this.priority = init.priority ?? 0;
    this.deadline = init.deadline;
    this.timeoutUs = init.timeoutUs ?? 0;
    this.traceContext = init.traceContext;
    this.#decoupled = init.decoupled ?? false;
    this.#iterative = init.iterative ?? false;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#resolveEnded = resolve;
  }

  /** Whether the final response was sent. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  ready(): Promise<void> {
    if (!this.#isPaused || this.isCancelled) return Promise.resolve();
    this.#ready ??= Promise.withResolvers();
    return this.#ready.promise;
  }

  onPause(listener: (isPaused: boolean) => void): void {
    this.#pauseListeners.push(listener);
    if (this.#isPaused) listener(true);
  }

  /** Says that no further response is wanted for now, as when a client reads slowly, or that it is again. */
  pause(isPaused: boolean): void {
    this.#isPaused = isPaused;
    if (!isPaused) this.#wake();
    for (const listener of this.#pauseListeners) listener(isPaused);
  }

  answerLater(): void {
    this.isAnsweredLater = true;
  }

  recordActivity(name: string): void {
    this.activities.push(name);
  }

  get isCancelled(): boolean {
    return this.#abort.signal.aborted;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  onCancel(listener: () => void): void {
    if (this.isCancelled) listener();
    else this.signal.addEventListener('abort', listener, { once: true });
  }

  input(name: string): Tensor | undefined {
    return this.inputs.find((input) => input.name === name);
  }

  wants(output: string): boolean {
    return this.requestedOutputs.includes(output);
  }

  /** Cancels the request, as when its client goes away. */
  cancel(): void {
    this.#abort.abort();
    this.#wake();
  }

  send({ outputs, parameters }: BackendResponse, final = !this.#decoupled): void {
    this.#respond({ outputs, parameters, error: undefined, final });
  }

  sendError(reason: unknown, final = !this.#decoupled): void {
    this.#respond({ outputs: [], parameters: undefined, error: InferenceServerError.from(reason), final });
  }

  complete(): void {
    if (!this.#isEnded) this.#end();
  }

  reschedule(states: readonly Tensor[] = []): void {
    if (this.#isEnded) {
      throw new InferenceServerError('INTERNAL', 'the request was rescheduled after its final response');
    }
    if (!this.#iterative) {
      throw new InferenceServerError(
        'INTERNAL',
        'the request was rescheduled, but the model is not iterative',
      );
    }
    this.rescheduled = states;
    this.#end();
  }

  /**
   * The output of that name in the first response.
   *
   * @throws the error that was sent instead, or InferenceServerError NOT_FOUND.
   */
  output(name: string): Tensor {
    const [response] = this.responses;
    if (response?.error !== undefined) throw response.error;
    const output = response?.outputs.find((tensor) => tensor.name === name);
    if (output !== undefined) return output;
    throw new InferenceServerError('NOT_FOUND', `no output '${name}' in the response`);
  }

  #wake(): void {
    this.#ready?.resolve();
    this.#ready = undefined;
  }

  #respond(response: TestResponse): void {
    if (this.#isEnded) {
      throw new InferenceServerError('INTERNAL', 'the request was answered after its final response');
    }
    if (!response.final && !this.#decoupled) {
      throw new InferenceServerError(
        'INTERNAL',
        'a response that is not final, but the model is not decoupled',
      );
    }
    this.responses.push(response);
    if (response.final) this.#end();
  }

  #end(): void {
    this.#isEnded = true;
    this.#resolveEnded();
  }
}

/** A request for a backend's `execute`, outside any server. */
export function buildRequest(init: TestRequestInit): TestRequest {
  return new TestRequest(init);
}
