/**
 * Triton's eight error codes. The list is closed: every error that leaves the server carries one of them, and
 * each protocol maps them to its own status in its own `status.ts`.
 */
export const STATUS_CODES = [
  'UNKNOWN',
  'INTERNAL',
  'NOT_FOUND',
  'INVALID_ARG',
  'UNAVAILABLE',
  'UNSUPPORTED',
  'ALREADY_EXISTS',
  'CANCELLED',
] as const;

/** One of {@link STATUS_CODES}. */
export type StatusCode = (typeof STATUS_CODES)[number];
