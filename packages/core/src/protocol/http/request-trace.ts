import type { IncomingMessage } from 'node:http';
import { parseTraceContext, type RequestTrace, type TracedRequest } from '../../telemetry/trace.ts';
import type { HttpServices } from './http-services.ts';

/**
 * The trace of a request whose body is read; undefined when it is not traced.
 *
 * @param arrivedNs - When its headers were there, by the server's clock.
 */
export function startHttpTrace(
  { tracer }: Pick<HttpServices, 'tracer'>,
  { headers }: IncomingMessage,
  request: TracedRequest,
  arrivedNs: number,
): RequestTrace | undefined {
  if (!tracer.isOn) return undefined;
  const context = parseTraceContext({
    traceparent: textOf(headers['traceparent']),
    tracestate: textOf(headers['tracestate']),
  });
  const trace = tracer.start({ ...request, context });
  trace?.record('HTTP_RECV_START', arrivedNs);
  trace?.record('HTTP_RECV_END');
  return trace;
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
