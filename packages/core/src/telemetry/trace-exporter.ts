import type { RequestTrace, SpanIds } from './request-trace.ts';
import type { TraceContext } from './trace-context.ts';

/** Sends finished traces elsewhere, in place of a file. */
export interface TraceExporter {
  /**
   * Ids for the spans of a request.
   *
   * @param context - What the request came with: its trace is gone on with.
   * @param parent - Spans of the request that this one is made for; it is then in the same trace.
   */
  spanIds(context: TraceContext | undefined, parent: SpanIds | undefined): SpanIds;
  /** Never throws and never waits: what cannot be sent is told in the log. */
  export(trace: RequestTrace): void;
  /** Sends what is left. */
  close(): Promise<void>;
}
