/** gRPC on HTTP/2 of our own, without a library in between. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { InferenceServerError } from '@nereid/protocol';
import { HTTP2_ERROR } from '../../http2/frames.ts';
import { listenOn } from '../../listen-on.ts';
import type { Rpc } from '../rpc.ts';
import type { CreateTransport, TransportOptions } from '../transport.ts';
import { CallConnection } from './call-connection.ts';
import type { IncomingCall } from './http2-call.ts';
import { startCall } from './start-call.ts';

type RpcsByPath = ReadonlyMap<string, Rpc>;

export const createHttp2Transport: CreateTransport = (loadRpcs, options) => {
  let rpcs: RpcsByPath | undefined;
  let loading: Promise<RpcsByPath> | undefined;
  const load = (): Promise<RpcsByPath> => (loading ??= loadRpcs().then((list) => (rpcs = byPath(list))));
  const connections = new Set<CallConnection>();
  const server = createSocketServer(options, (socket) => {
    const open = new CallConnection(socket, options.keepalive, {
      onStream: (stream, headers, connection) => {
        const incoming = { stream, headers, connection };
        if (rpcs !== undefined) startCall(incoming, rpcs, options);
        else void startLater(incoming, load(), options);
      },
      onClose: (connection) => connections.delete(connection),
    });
    connections.add(open);
  });
  // Of single connections, such as one that could not be accepted.
  server.on('error', () => undefined);
  return Promise.resolve({
    prepare: async () => {
      await load();
    },
    listen: () => listenOn(server, options),
    close: (graceMs) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => {
          for (const connection of connections) connection.destroy();
        }, graceMs);
        server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        for (const connection of connections) connection.close();
      }),
  });
};

function byPath(rpcs: readonly Rpc[]): RpcsByPath {
  return new Map(rpcs.map((rpc) => [`/${rpc.service}/${rpc.method}`, rpc]));
}

/** Starts a call that came before the RPCs were loaded. Nothing of it is lost: its stream keeps what comes. */
async function startLater(
  incoming: IncomingCall,
  loading: Promise<RpcsByPath>,
  options: TransportOptions,
): Promise<void> {
  try {
    const rpcs = await loading;
    if (!incoming.stream.isClosed) startCall(incoming, rpcs, options);
  } catch (cause) {
    incoming.stream.reset(HTTP2_ERROR.INTERNAL_ERROR);
    throw new InferenceServerError('INTERNAL', 'the gRPC calls could not be loaded', { cause });
  }
}

function createSocketServer({ tls }: TransportOptions, accept: (socket: Socket) => void): Server {
  if (tls === undefined) return createServer({ noDelay: true }, accept);
  const { cert, key, ca, mutual } = tls;
  const options = { cert, key, ...(ca !== undefined && { ca }), requestCert: mutual, ALPNProtocols: ['h2'] };
  return createTlsServer({ ...options, noDelay: true }, (socket: TLSSocket) => {
    if (socket.alpnProtocol === 'h2') accept(socket);
    else socket.destroy();
  });
}
