/** Writing whole answers. */

import type { HttpAnswer } from '@nereid/backend-sdk/http';
/** The content type of everything but tensors, metrics and health. */
export const JSON_TYPE = 'application/json';

/** Answers with a body that is complete. */
export function sendBody(
  response: HttpAnswer,
  status: number,
  contentType: string,
  body: string | Uint8Array,
): void {
  response.writeHead(status, { 'Content-Type': contentType, 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
}

/** Answers 200 with a JSON value; without a body when it is undefined. */
export function sendJson(response: HttpAnswer, value: unknown): void {
  sendBody(response, 200, JSON_TYPE, value === undefined ? '' : JSON.stringify(value));
}
