import type { HttpAnswer, HttpRequestHead } from '@nereid/backend-sdk/http';
import type { ResponseHandler } from '../../response/inference-response.ts';
import { parseTraceContext, type RequestTrace, type TracedRequest } from '../../telemetry/trace.ts';
import type { HttpServices } from './http-services.ts';

/**
 * The trace of a request whose body is read; undefined when it is not traced.
 *
 * @param arrivedNs - When its headers were there, by the server's clock.
 */
export function startHttpTrace(
  { tracer }: Pick<HttpServices, 'tracer'>,
  { headers }: HttpRequestHead,
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

/** Traces the sending of an answer; the trace ends with it. */
export function traceSending(trace: RequestTrace | undefined, response: HttpAnswer): void {
  if (trace === undefined) return;
  trace.record('HTTP_SEND_START');
  response.on('close', () => {
    trace.record('HTTP_SEND_END');
    trace.end();
  });
}

/** A handler that also notes when a streamed answer begins, and when the last response came. */
export function traceStreaming(
  trace: RequestTrace | undefined,
  answer: HttpAnswer,
  handler: ResponseHandler,
): ResponseHandler {
  if (trace === undefined) return handler;
  let isSending = false;
  return (response, final) => {
    if (response?.error !== undefined) trace.error = response.error.message;
    if (final) trace.record('INFER_RESPONSE_COMPLETE');
    if (!isSending) traceSending(trace, answer);
    isSending = true;
    handler(response, final);
  };
}

function textOf(header: string | readonly string[] | undefined): string | undefined {
  return typeof header === 'string' ? header : header?.join(',');
}
