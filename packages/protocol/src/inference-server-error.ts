import { STATUS_CODES, type StatusCode } from './status-code.ts';

/** Marks the class across duplicate copies of this package, where `instanceof` fails. */
const BRAND = Symbol.for('@nereid/protocol/InferenceServerError');

/** What an HTTP answer says of an error beside its code and message. */
export interface HttpErrorFields {
  /** In place of the code's own status. */
  readonly status?: number;
  /** Whole seconds for the header `Retry-After`; over gRPC the trailer `retry-after`. */
  readonly retryAfterSeconds?: number;
  /** JSON text of the error as another server told it; only endpoints of that server's API write it. */
  readonly body?: string;
}

/** What an error may be made with. */
export interface InferenceServerErrorOptions {
  readonly cause?: unknown;
  readonly http?: HttpErrorFields | undefined;
}

/**
 * The one error class of Nereid. The message names the thing and the value and is sent to clients;
 * the `cause` is kept for the log and never sent.
 */
export class InferenceServerError extends Error {
  override readonly name = 'InferenceServerError';
  readonly code: StatusCode;
  /** What an HTTP answer says otherwise than the code would; undefined for most errors. */
  readonly http: HttpErrorFields | undefined;

  constructor(code: StatusCode, message: string, options: InferenceServerErrorOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.http = options.http;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Whether a value is an InferenceServerError, of this or another copy of the package. */
  static is(value: unknown): value is InferenceServerError {
    return typeof value === 'object' && value !== null && BRAND in value;
  }

  /**
   * Turns anything thrown into an InferenceServerError: itself when it is one, otherwise INTERNAL (or the code
   * given) with the same message and the original as cause.
   */
  static from(reason: unknown, code: StatusCode = 'INTERNAL'): InferenceServerError {
    if (InferenceServerError.is(reason)) return reason;
    const message = reason instanceof Error ? reason.message : String(reason);
    return new InferenceServerError(code, message, { cause: reason });
  }
}

/** Whether a string is one of Triton's error codes (for values that arrive as text). */
export function isStatusCode(value: string): value is StatusCode {
  return (STATUS_CODES as readonly string[]).includes(value);
}
