/** gRPC by `@grpc/grpc-js`: for whoever wants the library's own behaviour in every corner. */
import { createServer, type Socket } from 'node:net';
import {
  Server,
  ServerCredentials,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerOptions,
  type ServerUnaryCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { listenOn } from '../../listen-on.ts';
import type { Rpc } from '../rpc.ts';
import type { CreateTransport, TransportOptions } from '../transport.ts';
import { widenReceiveWindows } from './flow-control.ts';
import { GrpcJsStreamCall, GrpcJsUnaryCall } from './grpc-js-calls.ts';
import { allowManyStreamResets } from './stream-resets.ts';

export const createGrpcJsTransport: CreateTransport = async (loadRpcs, options) => {
  const server = new Server(toServerOptions(options));
  allowManyStreamResets(server);
  for (const rpc of await loadRpcs()) register(server, rpc);
  // Own listener: grpc-js cannot share a port, and hides why a port could not be had.
  const injector = server.createConnectionInjector(toCredentials(options));
  widenReceiveWindows(server);
  const sockets = new Set<Socket>();
  const listener = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    injector.injectConnection(socket);
  });
  // Of single connections, such as one that could not be accepted.
  listener.on('error', () => undefined);

  return {
    prepare: () => Promise.resolve(),
    listen: () => listenOn(listener, options),
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
        server.tryShutdown(() => undefined);
      }),
  };
};

function toServerOptions({
  keepalive,
  maxMessageByteSize,
  compressionLevel,
}: TransportOptions): ServerOptions {
  const { maxConnectionAge, maxConnectionAgeGrace } = keepalive;
  return {
    'grpc.max_receive_message_length': maxMessageByteSize,
    'grpc.max_send_message_length': maxMessageByteSize,
    'grpc.enable_channelz': 0,
    'grpc.keepalive_time_ms': keepalive.time,
    'grpc.keepalive_timeout_ms': keepalive.timeout,
    'grpc.keepalive_permit_without_calls': keepalive.permitWithoutCalls ? 1 : 0,
    // It packs by zlib's own level, whichever is asked for.
    ...(compressionLevel > 0 && { 'grpc.default_compression_algorithm': GZIP }),
    ...(maxConnectionAge !== undefined && { 'grpc.max_connection_age_ms': maxConnectionAge }),
    ...(maxConnectionAgeGrace !== undefined && { 'grpc.max_connection_age_grace_ms': maxConnectionAgeGrace }),
  };
}

/** The library's number for gzip. */
const GZIP = 2;

function toCredentials({ tls }: TransportOptions): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { cert, key, ca, mutual } = tls;
  return ServerCredentials.createSsl(ca ?? null, [{ cert_chain: cert, private_key: key }], mutual);
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
  server.addService({ [rpc.method]: definition }, { [rpc.method]: handlerOf(rpc) });
}

function handlerOf(rpc: Rpc): UntypedServiceImplementation[string] {
  if (rpc.kind === 'unary') {
    const { handler } = rpc;
    return (call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) => {
      handler(new GrpcJsUnaryCall(call, callback));
    };
  }
  const { handler } = rpc;
  return (call: ServerDuplexStream<Buffer, Buffer>) => {
    handler(new GrpcJsStreamCall(call));
  };
}

function sameBytes(bytes: Buffer): Buffer {
  return bytes;
}
