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

/** Which request a trace is of. */
export interface TracedRequest {
  readonly modelName: string;
  /** '' while it is not known. */
  readonly modelVersion: string;
  /** '' when the client gave none. */
  readonly requestId: string;
}

/** What traces need of the tracer. */
export interface TraceSink {
  readonly now: () => number;
  nextId(): number;
  /** Takes a finished trace: its JSON records, those of its children included. */
  collect(records: readonly string[]): void;
}

/**
 * What a sampled request carries along to note its moments. A request that is made for it (the step of an
 * ensemble) has a child. Ends once; children that have not ended by then are left out.
 */
export class RequestTrace {
  readonly id: number;
  readonly modelName: string;
  /** May be filled in when the version is resolved. */
  modelVersion: string;
  readonly requestId: string;
  readonly #sink: TraceSink;
  readonly #parent: RequestTrace | undefined;
  readonly #timestamps: { readonly name: TraceTimestamp; readonly ns: number }[] = [];
  #records: string[] = [];
  #ended = false;

  constructor(request: TracedRequest, sink: TraceSink, parent?: RequestTrace) {
    this.id = sink.nextId();
    this.modelName = request.modelName;
    this.modelVersion = request.modelVersion;
    this.requestId = request.requestId;
    this.#sink = sink;
    this.#parent = parent;
  }

  /** @param ns - Time of the server's clock; now when it is left out. */
  record(name: TraceTimestamp, ns: number = this.#sink.now()): void {
    this.#timestamps.push({ name, ns });
  }

  /** The trace of a request made for this one. */
  child(modelName: string, modelVersion: string): RequestTrace {
    return new RequestTrace({ modelName, modelVersion, requestId: this.requestId }, this.#sink, this);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    const records = [this.#header(), this.#moments(), ...this.#records];
    if (this.#parent === undefined) this.#sink.collect(records);
    else this.#parent.#records.push(...records);
  }

  #header(): string {
    const version = Number(this.modelVersion);
    return JSON.stringify({
      id: this.id,
      model_name: this.modelName,
      // Triton's number, which its own tools expect; -1 stands for no version.
      model_version: this.modelVersion === '' ? -1 : version,
      ...(this.requestId !== '' && { request_id: this.requestId }),
      ...(this.#parent !== undefined && { parent_id: this.#parent.id }),
    });
  }

  #moments(): string {
    return JSON.stringify({ id: this.id, timestamps: this.#timestamps });
  }
}
