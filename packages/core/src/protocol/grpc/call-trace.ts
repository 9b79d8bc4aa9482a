import { parseTraceContext, type RequestTrace, type TracedRequest } from '../../telemetry/trace.ts';
import type { CallMetadata } from './call.ts';
import type { GrpcServices } from './grpc-services.ts';

/** What a call brings along for its trace. */
export interface TracedCall {
  readonly metadata: CallMetadata;
  /** When its message was there, by the server's clock; 0 when nothing is traced. */
  readonly arrivedNs: number;
}

/** When a message was there: noted before it is decoded, and only if anything is traced. */
export function arrivalOf({ tracer }: Pick<GrpcServices, 'tracer'>): number {
  return tracer.isOn ? Math.round(performance.now() * 1e6) : 0;
}

/** The trace of a request whose message is decoded; undefined when it is not traced. */
export function startGrpcTrace(
  { tracer }: Pick<GrpcServices, 'tracer'>,
  { metadata, arrivedNs }: TracedCall,
  request: TracedRequest,
): RequestTrace | undefined {
  if (!tracer.isOn) return undefined;
  const context = parseTraceContext({
    traceparent: textOf(metadata, 'traceparent'),
    tracestate: textOf(metadata, 'tracestate'),
  });
  const trace = tracer.start({ ...request, context });
  // Zero when tracing was turned on while the message was being decoded.
  if (arrivedNs > 0) trace?.record('GRPC_WAITREAD_START', arrivedNs);
  trace?.record('GRPC_WAITREAD_END');
  return trace;
}

function textOf(metadata: CallMetadata, name: string): string | undefined {
  const values = metadata.get(name);
  return values.length === 0 ? undefined : values.join(',');
}
