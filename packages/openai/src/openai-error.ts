/** Errors as OpenAI tells them: `{"error": {"message", "type", "param", "code"}}`. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { InferenceServerError, type StatusCode } from '@nereid/protocol';
import { httpStatusOf } from '@nereid/protocol/http';

const JSON_TYPE = 'application/json';

/** What the JSON of an error holds. */
interface OpenAiError {
  readonly message: string;
  readonly type: string;
  /** The field that is wrong. */
  readonly param: string | null;
  readonly code: string | null;
}

/** What else is known of a refused request. */
export interface RefusalFields {
  /** The field of the body that is wrong. */
  readonly param?: string;
  /** OpenAI's word for what is wrong. */
  readonly code?: string;
  /** Default: 400. */
  readonly status?: number;
}

/** An error of the request itself, in OpenAI's form already. */
export function refusal(message: string, { param, code, status = 400 }: RefusalFields): InferenceServerError {
  const statusCode: StatusCode = status === 404 ? 'NOT_FOUND' : 'INVALID_ARG';
  const body = stringify({
    message,
    type: 'invalid_request_error',
    param: param ?? null,
    code: code ?? null,
  });
  return new InferenceServerError(statusCode, message, { http: { status, body } });
}

/** The JSON text of an error: the engine's own where it told one. */
export function errorJson(error: InferenceServerError, status = statusOf(error)): string {
  const { message, http, code } = error;
  return http?.body ?? stringify({ message, param: null, ...kindOf(status, code) });
}

/**
 * Answers with an error.
 *
 * @param status - The server's HTTP status for it. What is not supported is 400 here: OpenAI's clients would try again.
 */
export function sendOpenAiError(
  response: HttpAnswer,
  error: InferenceServerError,
  status = statusOf(error),
): void {
  const openAiStatus = status === 501 ? 400 : status;
  const body = errorJson(error, openAiStatus);
  const seconds = error.http?.retryAfterSeconds;
  response.writeHead(openAiStatus, {
    'Content-Type': JSON_TYPE,
    'Content-Length': Buffer.byteLength(body),
    ...(seconds === undefined ? {} : { 'Retry-After': String(seconds) }),
  });
  response.end(body);
}

function statusOf({ http, code }: InferenceServerError): number {
  return http?.status ?? httpStatusOf(code);
}

function kindOf(status: number, code: StatusCode): Pick<OpenAiError, 'type' | 'code'> {
  if (status === 401) return { type: 'authentication_error', code: null };
  if (status === 404)
    return { type: 'invalid_request_error', code: code === 'NOT_FOUND' ? 'model_not_found' : null };
  if (status === 429) return { type: 'rate_limit_exceeded', code: 'rate_limit_exceeded' };
  return { type: status < 500 ? 'invalid_request_error' : 'server_error', code: null };
}

function stringify(error: OpenAiError): string {
  return JSON.stringify({ error });
}
