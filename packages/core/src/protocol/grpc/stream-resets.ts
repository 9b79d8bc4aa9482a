import type { Server } from '@grpc/grpc-js';

/**
 * Calls that clients of one connection may cancel: so many at once, and so many a second. Node closes a connection
 * after 1,000 and 33, and fails all that is under way on it; a proxy that carries the calls of many clients gets there
 * soon. There still is a limit, since opening and cancelling calls without end is a way to attack a server.
 */
const STREAM_RESETS = { streamResetBurst: 100_000, streamResetRate: 10_000 };

/**
 * Lets clients cancel calls without losing their connection. grpc-js has no option for this, so the options of its
 * HTTP/2 servers are reached by their private name; were that to change, Node's own limits would hold.
 *
 * @param server - Without its connection injector as yet.
 */
export function allowManyStreamResets(server: Server): void {
  const options: unknown = Reflect.get(server, 'commonServerOptions');
  if (typeof options === 'object' && options !== null) Object.assign(options, STREAM_RESETS);
}
