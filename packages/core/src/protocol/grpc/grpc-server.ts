/** The gRPC endpoint: which calls there are, limits, keepalive, TLS, listening and closing. */
import { createServer, type Socket } from 'node:net';
import {
  Server,
  type MethodDefinition,
  type ServerOptions,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { InferenceServerError } from '@nereid/protocol';
import { widenReceiveWindows } from './flow-control.ts';
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
import { createServerCredentials, type GrpcSsl } from './server-credentials.ts';
import { allowManyStreamResets } from './stream-resets.ts';
import { sharedMemoryRpcs } from './shared-memory.ts';
import { statisticsRpcs } from './statistics.ts';
import { streamInferRpc } from './stream-infer.ts';
import { traceRpcs } from './trace.ts';

/** Messages of this many bytes are taken and sent: the most that gRPC can carry in Triton. */
const MAX_MESSAGE_BYTE_SIZE = 2 ** 31 - 1;

/** Connections that wait to be accepted. */
const BACKLOG = 511;

const WATCH_INTERVAL = 1000;

/** Keepalive of the gRPC endpoint; all in milliseconds. */
export interface GrpcKeepalive {
  /** `--grpc-keepalive-time`: between pings. */
  readonly time: number;
  /** `--grpc-keepalive-timeout`: how long a ping may stay unanswered. */
  readonly timeout: number;
  /** `--grpc-keepalive-permit-without-calls` */
  readonly permitWithoutCalls: boolean;
  /** `--grpc-max-connection-age`; default: no limit. */
  readonly maxConnectionAge?: number;
  /** `--grpc-max-connection-age-grace`; default: no limit. */
  readonly maxConnectionAgeGrace?: number;
}

export interface GrpcOptions {
  readonly address: string;
  /** 0: any free port. */
  readonly port: number;
  readonly reusePort: boolean;
  readonly keepalive: GrpcKeepalive;
  readonly restrictions: readonly GrpcRestriction[];
  /** Metadata whose keys match becomes request parameters. */
  readonly headerForwardPattern?: RegExp;
  readonly ssl?: GrpcSsl;
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

export function createGrpcServer(services: GrpcServices, options: GrpcOptions): GrpcServer {
  const server = new Server(toServerOptions(options.keepalive));
  allowManyStreamResets(server);
  const openStreams: OpenStreams = new Set();
  for (const rpc of createRpcs(services, options, openStreams)) {
    register(server, restrict(rpc, options.restrictions));
  }
  // Own listener: grpc-js cannot share a port, and hides why a port could not be had.
  const injector = server.createConnectionInjector(createServerCredentials(options.ssl));
  widenReceiveWindows(server);
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        const { address: host, port, reusePort } = options;
        listener.on('error', (cause) => {
          reject(cannotListen(options, cause));
        });
        listener.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
          const bound = listener.address();
          resolve({ port: typeof bound === 'object' && bound !== null ? bound.port : port });
        });
      }),
    close: (graceMs) =>
      new Promise((resolve) => {
        // Not grpc-js' own waiting and forcing: neither sees connections that came from another listener.
        const deadline = setTimeout(() => {
          for (const socket of sockets) socket.destroy();
        }, graceMs);
        listener.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        for (const stream of openStreams) stream.shutDown();
        server.tryShutdown(() => undefined);
      }),
  };
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
    streamInferRpc({ services, headerPattern, openStreams }),
  ];
}

function toServerOptions(keepalive: GrpcKeepalive): ServerOptions {
  const { maxConnectionAge, maxConnectionAgeGrace } = keepalive;
  return {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTE_SIZE,
    'grpc.max_send_message_length': MAX_MESSAGE_BYTE_SIZE,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': keepalive.time,
    'grpc.keepalive_timeout_ms': keepalive.timeout,
    'grpc.keepalive_permit_without_calls': keepalive.permitWithoutCalls ? 1 : 0,
    ...(maxConnectionAge !== undefined && { 'grpc.max_connection_age_ms': maxConnectionAge }),
    ...(maxConnectionAgeGrace !== undefined && { 'grpc.max_connection_age_grace_ms': maxConnectionAgeGrace }),
  };
}

function register(server: Server, rpc: Rpc): void {
  const definition: MethodDefinition<Buffer, Buffer> = {
    path: `/${rpc.service}/${rpc.method}`,
    requestStream: rpc.kind === 'bidi',
    responseStream: rpc.kind !== 'unary',
    requestSerialize: sameBytes,
    requestDeserialize: sameBytes,
    responseSerialize: sameBytes,
    responseDeserialize: sameBytes,
  };
  const implementation: UntypedServiceImplementation = { [rpc.method]: rpc.handler };
  server.addService({ [rpc.method]: definition }, implementation);
}

function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}

function cannotListen({ address, port }: GrpcOptions, cause: Error): InferenceServerError {
  const message = `cannot listen for gRPC on ${address}:${String(port)}: ${cause.message}`;
  return new InferenceServerError('UNAVAILABLE', message, { cause });
}
