import { constants } from 'node:http2';
import { Duplex } from 'node:stream';
import { status, type Server, type ServerDuplexStream } from '@grpc/grpc-js';
import { STREAM_RESETS } from '../limits.ts';

/** Node's names for them. */
const NODE_STREAM_RESETS = {
  streamResetBurst: STREAM_RESETS.resetBurst,
  streamResetRate: STREAM_RESETS.resetsPerSecond,
};

/**
 * Lets clients cancel calls without losing their connection. grpc-js has no option for this, so the options of its
 * HTTP/2 servers are reached by their private name; were that to change, Node's own limits would hold.
 *
 * @param server - Without its connection injector as yet.
 */
export function allowManyStreamResets(server: Server): void {
  const options: unknown = Reflect.get(server, 'commonServerOptions');
  if (typeof options === 'object' && options !== null) Object.assign(options, NODE_STREAM_RESETS);
}

/**
 * Ends a stream at once, without a status, also when its client reads nothing. grpc-js has no call for this: were its
 * private names to change, the stream would end with an error once the client has read what was written before.
 */
export function resetStream(call: ServerDuplexStream<Buffer, Buffer>): void {
  const inner: unknown = Reflect.get(call, 'call');
  const stream: unknown =
    typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'stream') : undefined;
  if (stream instanceof Duplex && 'close' in stream && typeof stream.close === 'function')
    stream.close(constants.NGHTTP2_CANCEL);
  else call.emit('error', { code: status.CANCELLED, details: 'the client took none of its answers' });
}
