/** Settings of the gRPC endpoint. */
import type { GrpcRestriction } from './restriction.ts';
import type { GrpcSsl } from './server-credentials.ts';
import type { GrpcKeepalive } from './transport.ts';

/** What carries the calls: our own on `node:http2`, or `@grpc/grpc-js`. */
export type GrpcTransportName = 'http2' | 'grpc-js';

export interface GrpcOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly reusePort: boolean;
  readonly transport: GrpcTransportName;
  readonly keepalive: GrpcKeepalive;
  /** `--grpc-infer-response-compression-level` as zlib's level, 1 to 9; 0: responses are not packed. */
  readonly compressionLevel: number;
  readonly restrictions: readonly GrpcRestriction[];
  /** Metadata whose keys match becomes request parameters. */
  readonly headerForwardPattern?: RegExp;
  readonly ssl?: GrpcSsl;
  /** `--stream-timeout-secs`, in milliseconds: how long a client may take none of the answers that wait; 0: any time. */
  readonly streamTimeoutMs: number;
  /** How often `grpc.health.v1.Health/Watch` looks, in milliseconds. Default: 1000. */
  readonly watchInterval?: number;
}
