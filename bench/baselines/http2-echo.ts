/**
 * The least that `node:http2` can do with an inference: collect the bytes of a call, send them back with a status. No
 * metadata, deadlines, limits or compression. Prints its port.
 */
import { createServer, type ServerHttp2Stream } from 'node:http2';

const HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;
const TRAILERS = { 'grpc-status': '0' } as const;

/** What a client may send ahead, as Nereid has it: with HTTP/2's 64 KiB a large message waits at every step. */
const WINDOW_BYTE_SIZE = 4 << 20;

const server = createServer({
  streamResetBurst: 100_000,
  streamResetRate: 10_000,
  settings: { initialWindowSize: WINDOW_BYTE_SIZE },
  // Node's own limit would refuse calls while large ones are under way.
  maxSessionMemory: Number.MAX_SAFE_INTEGER,
});
server.on('session', (session) => session.setLocalWindowSize(WINDOW_BYTE_SIZE));
server.on('stream', (stream: ServerHttp2Stream) => {
  const chunks: Buffer[] = [];
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    stream.respond(HEADERS, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(TRAILERS));
    stream.end(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${typeof address === 'object' && address !== null ? address.port : 0}\n`);
});
