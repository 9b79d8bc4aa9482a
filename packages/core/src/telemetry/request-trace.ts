import type { TraceContext as BackendTraceContext } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import type { ServerLogFields } from './log-line.ts';
import { toTraceparent, type TraceContext } from './trace-context.ts';

/** The moments of a request that a trace holds: Triton's names. */
export type TraceTimestamp =
  | 'HTTP_RECV_START'
  | 'HTTP_RECV_END'
  | 'GRPC_WAITREAD_START'
  | 'GRPC_WAITREAD_END'
  | 'REQUEST_START'
  | 'QUEUE_START'
  | 'COMPUTE_START'
  | 'COMPUTE_INPUT_END'
  | 'COMPUTE_OUTPUT_START'
  | 'COMPUTE_END'
  | 'INFER_RESPONSE_COMPLETE'
  | 'REQUEST_END'
  | 'HTTP_SEND_START'
  | 'HTTP_SEND_END'
  | 'GRPC_SEND_START'
  | 'GRPC_SEND_END';

/** Where tensors are seen: as they are queued, as the backend gets them, as it answers. */
export type TensorActivity = 'TENSOR_QUEUE_INPUT' | 'TENSOR_BACKEND_INPUT' | 'TENSOR_BACKEND_OUTPUT';

/** Which request a trace is of. */
export interface TracedRequest {
  readonly modelName: string;
  /** '' while it is not known. */
  readonly modelVersion: string;
  /** '' when the client gave none. */
  readonly requestId: string;
  /** The trace of the client that the request came with. Only of use in mode `opentelemetry`. */
  readonly context?: TraceContext | undefined;
}

/** A moment, in nanoseconds of the server's clock. */
export interface TraceEvent {
  /** A {@link TraceTimestamp}, or what a backend calls it. */
  readonly name: string;
  readonly ns: number;
}

/** Tensors as they were at one place. */
export interface TracedTensors {
  readonly activity: TensorActivity;
  readonly tensors: readonly Tensor[];
}

/** The ids of the spans that a request will become; known from its start, for backends hand them on. */
export interface SpanIds {
  readonly traceId: string;
  /** The span of the front end: only what came from a client has one. */
  readonly root: string | undefined;
  readonly request: string;
  readonly compute: string;
  /** Where the trace hangs in that of the client. */
  readonly parent: TraceContext | undefined;
}

/** What traces need of the tracer. */
export interface TraceSink {
  readonly now: () => number;
  readonly levels: { readonly timestamps: boolean; readonly tensors: boolean };
  nextId(): number;
  /** The spans of a request that comes with `context`, or is made for `parent`; undefined where there are no spans. */
  spanIds(context: TraceContext | undefined, parent: SpanIds | undefined): SpanIds | undefined;
  /** Takes a finished trace, with its children. */
  collect(trace: RequestTrace): void;
}

/**
 * What a sampled request carries along to note its moments. A request that is made for it (the step of an
 * ensemble, a call of a model in process) has a child. Ends once; children that have not ended by then are left out.
 */
export class RequestTrace {
  readonly id: number;
  readonly modelName: string;
  /** Filled in when the version is resolved. */
  modelVersion: string;
  readonly requestId: string;
  readonly parentId: number | undefined;
  readonly spans: SpanIds | undefined;
  readonly events: TraceEvent[] = [];
  /** Moments of its execution that the backend noted. */
  readonly activities: TraceEvent[] = [];
  readonly tensors: TracedTensors[] = [];
  /** Those that have ended. */
  readonly children: RequestTrace[] = [];
  /** Why the request failed. */
  error: string | undefined = undefined;
  readonly #sink: TraceSink;
  readonly #parent: RequestTrace | undefined;
  #context: BackendTraceContext | undefined;
  #ended = false;

  constructor(request: TracedRequest, sink: TraceSink, parent?: RequestTrace) {
    this.id = sink.nextId();
    this.modelName = request.modelName;
    this.modelVersion = request.modelVersion;
    this.requestId = request.requestId;
    this.parentId = parent?.id;
    this.spans = sink.spanIds(request.context, parent?.spans);
    this.#sink = sink;
    this.#parent = parent;
  }

  /** Whether tensors are traced, and not only moments. */
  get levels(): TraceSink['levels'] {
    return this.#sink.levels;
  }

  /** What the log and the backends are told of it. */
  get context(): BackendTraceContext {
    this.#context ??= contextOf(this.id, this.spans);
    return this.#context;
  }

  /** @param ns - Time of the server's clock; now when it is left out. */
  record(name: TraceTimestamp, ns: number = this.#sink.now()): void {
    if (this.#sink.levels.timestamps) this.events.push({ name, ns });
  }

  /** Notes a moment that a backend names. */
  recordActivity(name: string, ns: number = this.#sink.now()): void {
    if (this.#sink.levels.timestamps) this.activities.push({ name, ns });
  }

  /** Copies tensors into the trace, if tensors are traced: their bytes may be gone when it is written. */
  recordTensors(activity: TensorActivity, tensors: readonly Tensor[]): void {
    if (!this.#sink.levels.tensors) return;
    const copies = tensors.map((tensor) => ({ ...tensor, data: tensor.data.slice() }));
    this.tensors.push({ activity, tensors: copies });
  }

  /** The trace of a request made for this one; `requestId` where it has one of its own. */
  child(modelName: string, modelVersion: string, requestId = this.requestId): RequestTrace {
    return new RequestTrace({ modelName, modelVersion, requestId }, this.#sink, this);
  }

  /** Ends with the reason why the request failed. */
  fail(message: string): void {
    this.error = message;
    this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#parent === undefined) this.#sink.collect(this);
    else this.#parent.children.push(this);
  }
}

/** What lines about a request carry. */
export function logFieldsOf(requestId: string | undefined, trace: RequestTrace | undefined): ServerLogFields {
  const id = requestId === undefined ? {} : { requestId };
  return trace === undefined ? id : { ...id, traceId: trace.context.traceId };
}

/** Whoever goes on with the trace hangs it below the execution of the model. */
function contextOf(id: number, spans: SpanIds | undefined): BackendTraceContext {
  if (spans === undefined) return { traceId: String(id), traceparent: undefined, tracestate: undefined };
  const { traceId, compute, parent } = spans;
  const traceState = parent?.traceState;
  const traceparent = toTraceparent({ traceId, spanId: compute, traceState });
  return { traceId, traceparent, tracestate: traceState };
}
