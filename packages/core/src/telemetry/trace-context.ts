/** The context of a trace that comes with a request and is handed on: W3C Trace Context. */

/** Where a request belongs in a trace that others have begun. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** What vendors add, as it came. */
  readonly traceState: string | undefined;
}

/** The two headers, or entries of metadata, that carry a context. */
export interface ContextHeaders {
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(?=$|-)/;

/** The context that headers carry; undefined when there is none, or one that cannot be read: then a new trace begins. */
export function parseTraceContext({ traceparent, tracestate }: ContextHeaders): TraceContext | undefined {
  const [, traceId, spanId] = TRACEPARENT.exec(traceparent?.trim() ?? '') ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  return { traceId, spanId, traceState: tracestate === '' ? undefined : tracestate };
}

/** The value of the header `traceparent` that makes a span the parent of what follows. */
export function toTraceparent({ traceId, spanId }: TraceContext): string {
  return `00-${traceId}-${spanId}-01`;
}
