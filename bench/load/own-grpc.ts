/** gRPC load without any tool: prepared HTTP/2 frames on sockets; of the answers only the frame heads are read. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { runClosedLoop, type Connect } from './closed-loop.ts';
import {
  CallFrames,
  FrameReader,
  PREFACE,
  pingAnswer,
  SETTINGS_ANSWER,
  windowUpdate,
} from './http2-frames.ts';
import type { GrpcTarget, LoadGenerator } from './load.ts';

const PATH = '/inference.GRPCInferenceService/ModelInfer';
/** What HTTP/2 lets a client send before the server gives it more room, for which we don't wait. */
const MAX_BYTE_SIZE = 65_535 - 5;
/** The server may send that much before it is given more room. */
const WINDOW = 2 ** 20;

export const ownGrpcLoad: LoadGenerator<GrpcTarget> = {
  name: 'own load generator (HTTP/2 on node:net)',
  maxByteSize: MAX_BYTE_SIZE,
  run: (target, shape) => runClosedLoop(connectTo(target), shape),
};

function connectTo({ address, message }: GrpcTarget): Connect {
  const [host = '127.0.0.1', port = '0'] = address.split(':');
  const frames = new CallFrames({ authority: address, path: PATH, message });
  return async (listener) => {
    const socket = createConnection({ host, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    const reader = new FrameReader();
    let isOpen = true;
    let stream = 1;
    let received = 0;
    let consumed = 0;
    const onFrame = (type: number, flags: number, payload: Buffer): void => {
      switch (type) {
        case 0x0: // DATA
          received += payload.length;
          consumed += payload.length;
          break;
        case 0x3: // RST_STREAM
        case 0x7: // GOAWAY
          listener.onFailure(new Error(`${address}: the server sent an HTTP/2 frame of type ${type}`));
          return;
        case 0x4: // SETTINGS
          if ((flags & 1) === 0) socket.write(SETTINGS_ANSWER);
          return;
        case 0x6: // PING
          if ((flags & 1) === 0) socket.write(pingAnswer(payload));
          return;
        case 0x1: // HEADERS
          break;
        default:
          return;
      }
      if ((flags & 1) === 0) return; // END_STREAM
      const isSuccess = received > 0;
      received = 0;
      if (consumed > WINDOW / 2) {
        socket.write(windowUpdate(consumed));
        consumed = 0;
      }
      listener.onAnswer(isSuccess);
    };
    socket.on('error', listener.onFailure);
    socket.on('close', () => {
      if (isOpen) listener.onFailure(new Error(`${address}: the server closed the connection`));
    });
    socket.on('data', (chunk: Buffer) => reader.push(chunk, onFrame));
    socket.write(Buffer.concat([PREFACE, windowUpdate(WINDOW)]));
    return {
      send: () => {
        socket.write(frames.forStream(stream));
        stream += 2;
      },
      close: () => {
        isOpen = false;
        socket.destroy();
      },
    };
  };
}
