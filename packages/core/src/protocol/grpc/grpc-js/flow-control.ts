import { EventEmitter } from 'node:events';
import type { ServerHttp2Session } from 'node:http2';
import type { Server } from '@grpc/grpc-js';
import { WINDOW_BYTE_SIZE } from '../limits.ts';

/**
 * Widens the receive windows of all connections to come. grpc-js has an option for this in clients only, so its
 * HTTP/2 servers are reached by their private name; were that to change, windows would stay as they are.
 *
 * @param server - With its connection injector created.
 */
export function widenReceiveWindows(server: Server): void {
  const http2Servers: unknown = Reflect.get(server, 'http2Servers');
  if (!(http2Servers instanceof Map)) return;
  for (const http2Server of http2Servers.keys()) {
    if (http2Server instanceof EventEmitter) http2Server.on('session', widen);
  }
}

function widen(session: ServerHttp2Session): void {
  session.settings({ initialWindowSize: WINDOW_BYTE_SIZE });
  session.setLocalWindowSize(WINDOW_BYTE_SIZE);
}
