import type {
  InferenceServerError,
  InferRequestedOutput,
  Parameters,
  SequenceFields,
  Tensor,
} from '@nereid/protocol';
import {
  errorResponse,
  type InferenceResponse,
  type ResponseHandler,
} from '../response/inference-response.ts';
import type { RegionLease } from '../memory/region-lease.ts';
import type { RequestTrace } from '../telemetry/trace.ts';

/** What a request is made of, validated against its model. */
export interface InferenceRequestFields {
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly inputs: readonly Tensor[];
  readonly requestedOutputs: readonly InferRequestedOutput[];
  readonly batchSize: number;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly sequence: SequenceFields | undefined;
  readonly parameters: Parameters | undefined;
  readonly trace: RequestTrace | undefined;
  /** The shared-memory regions in which inputs or outputs lie, mapped until the final response. */
  readonly sharedMemory?: RegionLease | undefined;
}

/** A request that asks for nothing special: one row, all outputs. Whoever makes one adds its model and its inputs. */
export const PLAIN_REQUEST: Omit<InferenceRequestFields, 'modelName' | 'modelVersion' | 'inputs'> = {
  id: '',
  requestedOutputs: [],
  batchSize: 1,
  priority: 0,
  timeoutUs: 0,
  sequence: undefined,
  parameters: undefined,
  trace: undefined,
};

/** Time stamps of a request in nanoseconds of the clock; 0 until the moment has come. */
export interface RequestTimes {
  arrived: number;
  queued: number;
  started: number;
}

/** What executions of a request took, in nanoseconds. */
export interface SpentTimes {
  queueNs: number;
  inputNs: number;
  inferNs: number;
  outputNs: number;
}

/** Who has a request. An object, not a closure: a closure on each request keeps what it sees from being collected. */
export interface RequestHolder {
  /** The client of the request has gone or cancelled. */
  cancel(request: InferenceRequest): void;
  /** Whoever takes the responses can't keep up, or can again. */
  pause?(request: InferenceRequest, isPaused: boolean): void;
}

/**
 * One inference on its way through the server. States: created → queued → executing → answered; cancellation
 * may come at any time before the end. Its handler sees exactly one final response.
 */
export class InferenceRequest {
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  inputs: readonly Tensor[];
  readonly requestedOutputs: readonly InferRequestedOutput[];
  readonly batchSize: number;
  priority: number;
  readonly timeoutUs: number;
  readonly sequence: SequenceFields | undefined;
  readonly parameters: Parameters | undefined;
  readonly trace: RequestTrace | undefined;
  readonly sharedMemory: RegionLease | undefined;
  readonly times: RequestTimes = { arrived: 0, queued: 0, started: 0 };
  /** What its earlier executions took: set by a scheduler that executes requests again, the same object each time. */
  spent: SpentTimes | undefined = undefined;
  /** Responses so far. */
  responseCount = 0;
  /** Whoever has the request now (queue, instance) and wants to hear of a cancellation. */
  holder: RequestHolder | undefined = undefined;
  /** Whether it only fills a row of a batch that nobody uses in this execution: its answer is not counted. */
  isPadding = false;
  /** Called when the model wants to execute the request again, with its state outputs: set by a scheduler that can. */
  onReschedule: ((states: readonly Tensor[]) => void) | undefined = undefined;
  /** Called once, right after the final response: set by the scheduler that took the request in. */
  onEnd: ((request: InferenceRequest) => void) | undefined = undefined;
  /** Called after `pause`: set by whoever keeps later requests' responses in order behind those of this one. */
  onPause: (() => void) | undefined = undefined;
  #handler: ResponseHandler;
  #cancelled = false;
  /** Whether its own taker can't keep up, and whether that of an earlier request can't, whose responses leave first. */
  #pausedByTaker = false;
  #pausedByOrder = false;
  #ended = false;

  constructor(fields: InferenceRequestFields, handler: ResponseHandler) {
    this.id = fields.id;
    this.modelName = fields.modelName;
    this.modelVersion = fields.modelVersion;
    this.inputs = fields.inputs;
    this.requestedOutputs = fields.requestedOutputs;
    this.batchSize = fields.batchSize;
    this.priority = fields.priority;
    this.timeoutUs = fields.timeoutUs;
    this.sequence = fields.sequence;
    this.parameters = fields.parameters;
    this.trace = fields.trace;
    this.sharedMemory = fields.sharedMemory;
    this.#handler = handler;
  }

  get isCancelled(): boolean {
    return this.#cancelled;
  }

  get isEnded(): boolean {
    return this.#ended;
  }

  /** The client has gone or cancelled. Whoever holds the request decides what becomes of it. */
  cancel(): void {
    if (this.#cancelled || this.#ended) return;
    this.#cancelled = true;
    this.holder?.cancel(this);
  }

  /** Whether no further response is wanted for now. */
  get isPaused(): boolean {
    return this.#pausedByTaker || this.#pausedByOrder;
  }

  /** Whether that is so because of the request itself, not of earlier ones. */
  get isPausedByTaker(): boolean {
    return this.#pausedByTaker;
  }

  /** Asks whoever has the request for a break between the responses of a decoupled model, or to go on. */
  pause(isPaused: boolean): void {
    if (this.#pausedByTaker === isPaused || this.#ended) return;
    const before = this.isPaused;
    this.#pausedByTaker = isPaused;
    this.#tellPause(before);
    this.onPause?.();
  }

  /** The same because of earlier requests, behind whose responses its own must wait. */
  pauseByOrder(isPaused: boolean): void {
    if (this.#ended) return;
    const before = this.isPaused;
    this.#pausedByOrder = isPaused;
    this.#tellPause(before);
  }

  /** Hands a response to the client. After the final one nothing more is delivered. */
  respond(response: InferenceResponse | undefined, final: boolean): void {
    if (this.#ended) return;
    this.#ended = final;
    this.#handler(response, final);
    if (final) this.onEnd?.(this);
  }

  /** Ends this execution of the request without a final response: whoever made it has it executed again. */
  reschedule(states: readonly Tensor[]): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onReschedule?.(states);
    this.onEnd?.(this);
  }

  /** Ends the request with an error. */
  fail(error: InferenceServerError): void {
    this.respond(errorResponse(error), true);
  }

  /** Puts a step between the model and whoever waits: it gets the responses and the handler so far. */
  wrapHandler(wrap: (next: ResponseHandler) => ResponseHandler): void {
    this.#handler = wrap(this.#handler);
  }

  #tellPause(before: boolean): void {
    if (this.isPaused !== before) this.holder?.pause?.(this, this.isPaused);
  }
}

/** How error messages begin: `[request id: 42] `, or a placeholder. */
export function requestIdPrefix(id: string): string {
  return `[request id: ${id === '' ? '<id_unknown>' : id}] `;
}
