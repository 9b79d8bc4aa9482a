import type { Server } from '@grpc/grpc-js';
import { STREAM_RESETS } from '../limits.ts';

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
