import type { HttpAnswer } from '@nereid/backend-sdk/http';
import type { Socket } from 'node:net';
import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { httpStatusOf, type ErrorJson } from '@nereid/protocol/http';
import type { ServerLogFields } from '../../telemetry/logger.ts';
import { JSON_TYPE, sendBody } from './answer.ts';

/** Answers with an error text. */
export function sendErrorText(response: HttpAnswer, status: number, text: string): void {
  const body: ErrorJson = { error: text };
  sendBody(response, status, JSON_TYPE, JSON.stringify(body));
}

/** Answers with what went wrong. What is not an InferenceServerError is a fault of ours and goes to the log. */
export function sendError(
  response: HttpAnswer,
  reason: unknown,
  logger: Logger,
  fields?: ServerLogFields,
): void {
  const error = InferenceServerError.from(reason);
  if (error !== reason)
    logger.error(`unexpected error in an HTTP request: ${error.message}`, { ...fields, cause: reason });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  tellRetryAfter(response, error);
  sendErrorText(response, statusOf(error), error.message);
}

/** The status of an answer that is an error: what it says itself, else that of its code. */
export function statusOf({ code, http }: InferenceServerError): number {
  return http?.status ?? httpStatusOf(code);
}

/** Says when it is worth another try, where that is known. To be called before the head is written. */
export function tellRetryAfter(response: HttpAnswer, { http }: InferenceServerError): void {
  const seconds = http?.retryAfterSeconds;
  if (seconds !== undefined) response.setHeader('Retry-After', String(seconds));
}

/** The statuses of what Node's parser refuses; all else is 400. */
const PARSER_STATUS: ReadonlyMap<unknown, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/** Answers what is no HTTP request, and closes the connection. */
export function refuseMalformedRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = PARSER_STATUS.get(error.code) ?? '400 Bad Request';
  const reason = error.message.replace(/^Parse Error: /, '');
  const body: ErrorJson = { error: `${status.slice(4)}: ${reason}` };
  const json = JSON.stringify(body);
  const head = `HTTP/1.1 ${status}\r\nContent-Type: ${JSON_TYPE}\r\nContent-Length: ${String(Buffer.byteLength(json))}`;
  socket.end(`${head}\r\nConnection: close\r\n\r\n${json}`);
}

/** Answers a client that takes too long to send its request, and closes the connection. */
export function refuseSlowRequest(socket: Socket): void {
  const error = Object.assign(new Error('Request timeout'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
  refuseMalformedRequest(error, socket);
}
