import type { StatusCode } from '../status-code.ts';

/** gRPC's number for each of Triton's codes; the names in the comments are gRPC's own. */
const GRPC_STATUS = {
  CANCELLED: 1, // CANCELLED
  UNKNOWN: 2, // UNKNOWN
  INVALID_ARG: 3, // INVALID_ARGUMENT
  NOT_FOUND: 5, // NOT_FOUND
  ALREADY_EXISTS: 6, // ALREADY_EXISTS
  UNSUPPORTED: 12, // UNIMPLEMENTED
  INTERNAL: 13, // INTERNAL
  UNAVAILABLE: 14, // UNAVAILABLE
} as const satisfies Record<StatusCode, number>;

/** Codes that only gRPC itself gives, by the nearest of Triton's. */
const STATUS_CODE: ReadonlyMap<number, StatusCode> = new Map<number, StatusCode>([
  [1, 'CANCELLED'],
  [2, 'UNKNOWN'],
  [3, 'INVALID_ARG'],
  [4, 'UNAVAILABLE'], // DEADLINE_EXCEEDED
  [5, 'NOT_FOUND'],
  [6, 'ALREADY_EXISTS'],
  [7, 'INVALID_ARG'], // PERMISSION_DENIED
  [8, 'UNAVAILABLE'], // RESOURCE_EXHAUSTED
  [9, 'INVALID_ARG'], // FAILED_PRECONDITION
  [10, 'CANCELLED'], // ABORTED
  [11, 'INVALID_ARG'], // OUT_OF_RANGE
  [12, 'UNSUPPORTED'],
  [13, 'INTERNAL'],
  [14, 'UNAVAILABLE'],
  [15, 'INTERNAL'], // DATA_LOSS
  [16, 'INVALID_ARG'], // UNAUTHENTICATED
]);

/** The gRPC status number of one of Triton's codes: `INVALID_ARG` → 3 (INVALID_ARGUMENT). */
export function grpcStatusOf(code: StatusCode): number {
  return GRPC_STATUS[code];
}

/**
 * Triton's code for a gRPC status number, for clients: 3 → `INVALID_ARG`. The statuses that Triton never
 * gives come back as the nearest of the eight codes, numbers outside gRPC's range as `UNKNOWN`.
 */
export function statusCodeOf(grpcStatus: number): StatusCode {
  return STATUS_CODE.get(grpcStatus) ?? 'UNKNOWN';
}
