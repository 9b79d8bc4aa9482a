import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { grpcStatusOf } from '@nereid/protocol/grpc';
import type { ServerLogFields } from '../../telemetry/logger.ts';

/** How a call ends that failed: gRPC's status code and the message for the client. */
export interface GrpcStatus {
  readonly code: number;
  readonly details: string;
  /** Whole seconds, for the trailer `retry-after`. */
  readonly retryAfterSeconds?: number | undefined;
}

/** The status of a call that failed. What is not an InferenceServerError is a fault of ours and goes to the log. */
export function toGrpcStatus(reason: unknown, logger: Logger, fields?: ServerLogFields): GrpcStatus {
  const error = InferenceServerError.from(reason);
  if (error !== reason)
    logger.error(`unexpected error in a gRPC call: ${error.message}`, { ...fields, cause: reason });
  // Lone surrogates cannot be percent-encoded into the trailer: grpc-js would throw.
  return {
    code: grpcStatusOf(error.code),
    details: error.message.toWellFormed(),
    retryAfterSeconds: error.http?.retryAfterSeconds,
  };
}
