import { InferenceServerError, type StatusCode } from '@nereid/backend-sdk';
import type { AnswerHeaders } from './http/answer-head.ts';
import { isObject, stringOf, tryParseJson } from './json.ts';

/** An answer of an engine that is no result. */
export interface EngineFailure {
  readonly status: number;
  readonly headers: AnswerHeaders;
  /** As much of the body as was kept. */
  readonly body: string;
}

/** An engine that can't take the request now: another one may. */
const BUSY: ReadonlySet<number> = new Set([429, 503]);
const UNREACHABLE_BEHIND_PROXY = 502;

/** Of a body that is no JSON. */
const MAX_TEXT = 500;

/** Whether another engine may be asked in place of one that answered so. */
export function isBusyStatus(status: number): boolean {
  return BUSY.has(status) || status === UNREACHABLE_BEHIND_PROXY;
}

/**
 * What a client is told of an engine's error. The engine's own body goes along for protocols that have its form, but for
 * 401 and 403: these speak of the server's key.
 *
 * @param engine - Its address.
 */
export function toEngineError(
  engine: string,
  { status, headers, body }: EngineFailure,
): InferenceServerError {
  if (status === 401 || status === 403) {
    const message = `engine ${engine} refused the server's key (HTTP ${status}); check engine_key_file or engine_key_env`;
    return new InferenceServerError('INTERNAL', message);
  }
  const retryAfterSeconds = retryAfter(headers);
  const json = tryParseJson(body);
  return new InferenceServerError(codeOf(status), messageOf(engine, status, json, body), {
    http: {
      status,
      ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
      ...(isObject(json) && { body }),
    },
  });
}

function codeOf(status: number): StatusCode {
  if (BUSY.has(status)) return 'UNAVAILABLE';
  if (status === 404) return 'NOT_FOUND';
  return status >= 400 && status < 500 ? 'INVALID_ARG' : 'INTERNAL';
}

/** OpenAI's form, vLLM's old one, FastAPI's, or text. */
function messageOf(engine: string, status: number, json: unknown, body: string): string {
  if (isObject(json)) {
    const inner = isObject(json['error']) ? json['error'] : json;
    const message = stringOf(inner['message']) ?? stringOf(json['error']) ?? describeDetail(json['detail']);
    if (message !== undefined) return message;
  }
  const text = body.trim().slice(0, MAX_TEXT);
  return `engine ${engine} answered HTTP ${status}${text === '' ? '' : `: ${text}`}`;
}

function describeDetail(detail: unknown): string | undefined {
  return detail === undefined || typeof detail === 'string' ? detail : JSON.stringify(detail);
}

/** Whole seconds of `retry-after`, when it has them. */
function retryAfter(headers: AnswerHeaders): number | undefined {
  const value = headers.get('retry-after') ?? '';
  const seconds = value === '' ? Number.NaN : Number(value);
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds) : undefined;
}
