/** gRPC on `node:http2`, without a library in between. */
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
  type ServerOptions,
} from 'node:http2';
import type { Socket } from 'node:net';
import { InferenceServerError } from '@nereid/protocol';
import type { Rpc } from '../rpc.ts';
import type { CreateTransport, TransportOptions } from '../transport.ts';
import { Connection } from './connection.ts';
import type { IncomingCall } from './http2-call.ts';
import { startCall } from './start-call.ts';
import { BACKLOG, STREAM_RESETS, WINDOW_BYTE_SIZE } from '../limits.ts';

/** How long a connection that has ended on this side waits for its client, in milliseconds. */
const LINGER_MS = 1000;

const HTTP2_OPTIONS: ServerOptions = {
  ...STREAM_RESETS,
  // Limits are those of messages and windows; Node's own one counts both and would refuse calls.
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
  settings: { initialWindowSize: WINDOW_BYTE_SIZE, enablePush: false },
};

type RpcsByPath = ReadonlyMap<string, Rpc>;

export const createHttp2Transport: CreateTransport = (loadRpcs, options) => {
  let rpcs: RpcsByPath | undefined;
  let loading: Promise<RpcsByPath> | undefined;
  const load = (): Promise<RpcsByPath> => (loading ??= loadRpcs().then((list) => (rpcs = byPath(list))));
  const server = createHttp2Server(options);
  const connections = new Map<Http2Session, Connection>();
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', limitLinger);
  server.on('session', (session) => {
    session.setLocalWindowSize(WINDOW_BYTE_SIZE);
    // What broke a connection shows in how its calls end.
    session.on('error', ignore);
    connections.set(session, new Connection(session, options.keepalive));
    session.on('close', () => connections.delete(session));
  });
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const connection = stream.session && connections.get(stream.session);
    if (connection === undefined) return;
    const incoming = { stream, headers, connection };
    if (rpcs !== undefined) startCall(incoming, rpcs, options);
    else void startLater(incoming, load(), options);
  });
  return Promise.resolve({
    prepare: async () => {
      await load();
    },
    listen: () => listen(server, options),
    close: (graceMs) =>
      new Promise((resolve) => {
        const deadline = setTimeout(() => {
          for (const session of connections.keys()) session.destroy();
        }, graceMs);
        server.close(() => {
          clearTimeout(deadline);
          resolve();
        });
        for (const session of connections.keys()) session.close();
      }),
  });
};

function byPath(rpcs: readonly Rpc[]): RpcsByPath {
  return new Map(rpcs.map((rpc) => [`/${rpc.service}/${rpc.method}`, rpc]));
}

/** Starts a call that came before the RPCs were loaded. Nothing of it is lost: nobody reads its stream yet. */
async function startLater(
  incoming: IncomingCall,
  loading: Promise<RpcsByPath>,
  options: TransportOptions,
): Promise<void> {
  try {
    const rpcs = await loading;
    if (!incoming.stream.destroyed) startCall(incoming, rpcs, options);
  } catch (error) {
    incoming.stream.destroy(InferenceServerError.from(error));
  }
}

function createHttp2Server({ tls }: TransportOptions): Http2Server {
  if (tls === undefined) return createServer(HTTP2_OPTIONS);
  const { cert, key, ca, mutual } = tls;
  return createSecureServer({
    ...HTTP2_OPTIONS,
    cert,
    key,
    ...(ca !== undefined && { ca }),
    requestCert: mutual,
  });
}

function listen(server: Http2Server, { address: host, port, reusePort }: TransportOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    // Later ones concern single connections, such as one that could not be accepted.
    server.on('error', reject);
    server.listen({ host, port, reusePort, backlog: BACKLOG }, () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : port);
    });
  });
}

/** Once all has been sent, a client has some time to close its side. One that is stuck or gone would hold up the end. */
function limitLinger(socket: Socket): void {
  socket.once('finish', () => {
    const timer = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(timer));
  });
}

function ignore(): void {
  // Nothing to do.
}
