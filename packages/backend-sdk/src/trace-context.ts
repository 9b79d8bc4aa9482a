/** The trace that a request belongs to, for whoever goes on with it. */
export interface TraceContext {
  /** The id that the log shows: 32 hexadecimal digits in mode `opentelemetry`, a number in mode `triton`. */
  readonly traceId: string;
  /**
   * Value of the W3C header `traceparent` that makes what follows part of the trace, below the execution of this
   * model; undefined in mode `triton`, whose traces stay in the server.
   */
  readonly traceparent: string | undefined;
  /** Value of the header `tracestate`, when the request came with one. */
  readonly tracestate: string | undefined;
}
