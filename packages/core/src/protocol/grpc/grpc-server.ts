/** The gRPC endpoint: which calls there are, limits, keepalive, TLS, listening and closing. */
import { InferenceServerError } from '@nereid/protocol';
import type { GrpcOptions, GrpcTransportName } from './grpc-options.ts';
import type { GrpcServices } from './grpc-services.ts';
import type { OpenStreams } from './open-streams.ts';
import { readServerCredentials } from './server-credentials.ts';
import type { CreateTransport, LoadRpcs } from './transport.ts';

/** Messages of this many bytes are taken and sent: the most that gRPC can carry in Triton. */
const MAX_MESSAGE_BYTE_SIZE = 2 ** 31 - 1;

export interface GrpcServer {
  /** Loads what calls need; without it, the first call does. */
  prepare(): Promise<void>;
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
  const tls = options.ssl === undefined ? undefined : readServerCredentials(options.ssl);
  const loadRpcs: LoadRpcs = async () => {
    const { createRpcs } = await import('./rpcs.ts');
    return createRpcs(services, options, openStreams);
  };
  const createTransport = await loadTransport(options.transport);
  const transport = await createTransport(loadRpcs, {
    ...options,
    maxMessageByteSize: MAX_MESSAGE_BYTE_SIZE,
    tls,
  });
  return {
    prepare: () => transport.prepare(),
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

function cannotListen({ address, port }: GrpcOptions, cause: unknown): InferenceServerError {
  const { message: reason } = InferenceServerError.from(cause);
  const message = `cannot listen for gRPC on ${address}:${String(port)}: ${reason}`;
  return new InferenceServerError('UNAVAILABLE', message, { cause });
}
