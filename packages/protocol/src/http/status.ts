import type { StatusCode } from '../status-code.ts';

/** The HTTP status of an error code. */
export function httpStatusOf(code: StatusCode): number {
  switch (code) {
    case 'UNKNOWN':
      return 400; // Bad Request
    case 'INTERNAL':
      return 500; // Internal Server Error
    case 'NOT_FOUND':
      return 404; // Not Found
    case 'INVALID_ARG':
      return 400; // Bad Request
    case 'UNAVAILABLE':
      return 503; // Service Unavailable
    case 'UNSUPPORTED':
      return 501; // Not Implemented
    case 'ALREADY_EXISTS':
      return 400; // Bad Request
    case 'CANCELLED':
      return 400; // Bad Request
  }
}

/**
 * The error code that a client reads from an HTTP status. Four codes share 400, so this is the likeliest one:
 * INVALID_ARG; a status that the protocol does not use is INVALID_ARG below 500 and INTERNAL from there.
 */
export function statusCodeOfHttp(status: number): StatusCode {
  switch (status) {
    case 404: // Not Found
      return 'NOT_FOUND';
    case 501: // Not Implemented
      return 'UNSUPPORTED';
    case 502: // Bad Gateway
    case 503: // Service Unavailable
    case 504: // Gateway Timeout
      return 'UNAVAILABLE';
    default:
      return status >= 400 && status < 500 ? 'INVALID_ARG' : 'INTERNAL';
  }
}
