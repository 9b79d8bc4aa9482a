import { STATUS_CODES, type StatusCode } from './status-code.ts';

/** Marks the class across duplicate copies of this package, where `instanceof` fails. */
const BRAND = Symbol.for('@nereid/protocol/InferenceServerError');

/**
 * The one error class of Nereid. The message names the thing and the value and is sent to clients;
 * the `cause` is kept for the log and never sent.
 */
export class InferenceServerError extends Error {
  override readonly name = 'InferenceServerError';
  readonly code: StatusCode;

  constructor(code: StatusCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
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
