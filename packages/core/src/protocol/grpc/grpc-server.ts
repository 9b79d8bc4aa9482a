/** The gRPC endpoint: which calls there are, limits, keepalive, TLS, listening and closing. */
import { InferenceServerError } from '@nereid/protocol';
import type { GrpcServices } from './grpc-services.ts';
import { healthRpcs } from './health.ts';
import { inferRpc } from './infer.ts';
import { loggingRpcs } from './logging.ts';
import { metadataRpcs } from './metadata.ts';
import { modelConfigRpcs } from './model-config.ts';
import type { OpenStreams } from './open-streams.ts';
import { reflectionRpcs } from './reflection.ts';
import { repositoryRpcs } from './repository.ts';
import { restrict, type GrpcRestriction } from './restriction.ts';
import type { Rpc } from './rpc.ts';
import { readServerCredentials, type GrpcSsl } from './server-credentials.ts';
import { sharedMemoryRpcs } from './shared-memory.ts';
import { statisticsRpcs } from './statistics.ts';
import { streamInferRpc } from './stream-infer.ts';
import { traceRpcs } from './trace.ts';
import type { CreateTransport, GrpcKeepalive } from './transport.ts';

/** Messages of this many bytes are taken and sent: the most that gRPC can carry in Triton. */
const MAX_MESSAGE_BYTE_SIZE = 2 ** 31 - 1;

const WATCH_INTERVAL = 1000;

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

export interface GrpcServer {
  /**
   * @returns The port it listens on.
   * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
   */
  listen(): Promise<{ readonly port: number }>;
  /**
   * Takes no new calls, lets the running ones end, then closes all connections.
   *
   * @param graceMs - After this many milliseconds the running calls are cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** @throws InferenceServerError INVALID_ARG naming the files of TLS that could not be read or used. */
export async function createGrpcServer(services: GrpcServices, options: GrpcOptions): Promise<GrpcServer> {
  const openStreams: OpenStreams = new Set();
  const rpcs = createRpcs(services, options, openStreams).map((rpc) => restrict(rpc, options.restrictions));
  const tls = options.ssl === undefined ? undefined : readServerCredentials(options.ssl);
  const createTransport = await loadTransport(options.transport);
  const transport = createTransport(rpcs, { ...options, maxMessageByteSize: MAX_MESSAGE_BYTE_SIZE, tls });
  return {
    listen: async () => {
      try {
        return { port: await transport.listen() };
      } catch (cause) {
        throw cannotListen(options, cause);
      }
    },
    close: (graceMs) => {
      const closed = transport.close(graceMs);
      for (const stream of openStreams) stream.shutDown();
      return closed;
    },
  };
}

/** Only the transport that is used is loaded. */
async function loadTransport(name: GrpcTransportName): Promise<CreateTransport> {
  if (name === 'http2') return (await import('./http2/http2-transport.ts')).createHttp2Transport;
  return (await import('./grpc-js/grpc-js-transport.ts')).createGrpcJsTransport;
}

function createRpcs(services: GrpcServices, options: GrpcOptions, openStreams: OpenStreams): readonly Rpc[] {
  const headerPattern = options.headerForwardPattern;
  return [
    ...healthRpcs(services, { openStreams, watchInterval: options.watchInterval ?? WATCH_INTERVAL }),
    ...metadataRpcs(services),
    ...modelConfigRpcs(services),
    ...repositoryRpcs(services),
    ...statisticsRpcs(services),
    ...sharedMemoryRpcs(services),
    ...traceRpcs(services),
    ...loggingRpcs(services),
    ...reflectionRpcs(services),
    inferRpc(services, headerPattern),
    streamInferRpc({ services, headerPattern, openStreams, streamTimeoutMs: options.streamTimeoutMs }),
  ];
}

function cannotListen({ address, port }: GrpcOptions, cause: unknown): InferenceServerError {
  const { message: reason } = InferenceServerError.from(cause);
  const message = `cannot listen for gRPC on ${address}:${String(port)}: ${reason}`;
  return new InferenceServerError('UNAVAILABLE', message, { cause });
}
