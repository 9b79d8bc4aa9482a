/**
 * HTTP/1.1 over a bare socket, as much of it as an engine's clients use: requests one after the other, bodies of a stated
 * length, answers whole or in chunks. A stream of a token costs one write of a finished string, which is what lets one
 * process play an engine with thousands of streams.
 */
import type { Socket } from 'node:net';

/** A request, whole. */
export interface RawRequest {
  readonly method: string;
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const HEAD_END = '\r\n\r\n';

const REASONS: Readonly<Record<number, string>> = {
  200: 'OK',
  400: 'Bad Request',
  401: 'Unauthorized',
  404: 'Not Found',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** Hears of each request as soon as it is whole, also while the one before has no answer: the clients of engines send none then. */
export function readRequests(socket: Socket, onRequest: (request: RawRequest) => void): void {
  let pieces: Buffer[] = [];
  let heldBytes = 0;
  /** Nothing is whole before so many bytes are there: pieces are joined once, however many a large body comes in. */
  let wantedBytes = 1;
  socket.on('data', (piece: Buffer) => {
    pieces.push(piece);
    heldBytes += piece.length;
    while (heldBytes >= wantedBytes) {
      const held = pieces.length === 1 ? piece : Buffer.concat(pieces);
      const taken = parseRequest(held);
      if (taken.request === undefined) {
        pieces = [held];
        wantedBytes = taken.byteLength ?? heldBytes + 1;
        return;
      }
      const rest = held.subarray(taken.byteLength);
      pieces = [rest];
      heldBytes = rest.length;
      wantedBytes = 1;
      onRequest(taken.request);
    }
  });
}

/** The first request, and how long it is; only the latter while its body is not all there, and neither without all of its head. */
function parseRequest(bytes: Buffer): { readonly request?: RawRequest; readonly byteLength?: number } {
  const headEnd = bytes.indexOf(HEAD_END, 0, 'latin1');
  if (headEnd < 0) return {};
  const [start = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  const [method = '', path = ''] = start.split(' ');
  if (headers['transfer-encoding'] !== undefined)
    throw new Error(`${method} ${path}: a body without a length`);
  const bodyStart = headEnd + HEAD_END.length;
  const byteLength = bodyStart + Number(headers['content-length'] ?? 0);
  if (bytes.length < byteLength) return { byteLength };
  const body = bytes.toString('utf8', bodyStart, byteLength);
  return { request: { method, path, headers, body }, byteLength };
}

/** Answers with a body. */
export function sendWhole(
  socket: Socket,
  status: number,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const lines = Object.entries({
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`HTTP/1.1 ${String(status)} ${REASONS[status] ?? ''}\r\n${lines.join('')}\r\n${body}`);
}

/** The head of an answer in events. */
export const STREAM_HEAD =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';

/** The end of such an answer. */
export const STREAM_END = '0\r\n\r\n';

/** A piece of such an answer. */
export function toChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}
