/** Reading the body of a request into one buffer. */
import type { IncomingMessage } from 'node:http';
import { InferenceServerError } from '@nereid/protocol';
import { parseJson, type JsonValue } from '@nereid/protocol/http';

/** The largest body that is taken, in bytes: Triton counts in 32 bits. */
const MAX_BODY_BYTE_SIZE = 2 ** 31 - 1;

/** A chunked body may come in at most this many small pieces. */
const MAX_SMALL_PIECES = 65_536;

/** Pieces of at least this many bytes are not counted: large chunks arrive in several. */
const SMALL_PIECE_BYTE_SIZE = 1024;

/** Gets the body, or what is wrong with it. Called at most once: not at all when the client has gone. */
export type BodyCallback = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/** Reads a body. One that comes in a single piece is not copied, all others once. */
export function collectBody(message: IncomingMessage, done: BodyCallback): void {
  const { headers } = message;
  if (headers['transfer-encoding'] !== undefined) {
    collectChunks(message, done);
    return;
  }
  const byteSize = Number(headers['content-length'] ?? 0);
  if (byteSize === 0) {
    done(undefined, EMPTY);
  } else if (byteSize > MAX_BODY_BYTE_SIZE) {
    done(tooLarge(`Content-Length ${String(byteSize)}`), EMPTY);
  } else {
    collectDeclared(message, byteSize, done);
  }
}

/** Rejects with what is wrong with the body; never settles when the client has gone. */
export function readBody(message: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    collectBody(message, (error, body) => {
      if (error === undefined) resolve(body);
      else reject(error);
    });
  });
}

/**
 * Reads a body as JSON.
 *
 * @param maxByteSize - Default: no limit but that of all bodies.
 * @returns undefined for an empty body.
 */
export async function readJson(
  message: IncomingMessage,
  maxByteSize = MAX_BODY_BYTE_SIZE,
): Promise<JsonValue | undefined> {
  const body = await readBody(message);
  if (body.length > maxByteSize) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `request JSON size of ${String(body.length)} bytes exceeds the maximum allowed input size of ` +
        `${String(maxByteSize)} bytes. Use --http-max-input-size to increase the limit.`,
    );
  }
  return body.length === 0 ? undefined : parseJson(body.toString('utf8'));
}

function collectDeclared(message: IncomingMessage, byteSize: number, done: BodyCallback): void {
  let body = EMPTY;
  let position = 0;
  const collect = (piece: Buffer): void => {
    if (piece.length === byteSize) {
      body = piece;
      return;
    }
    if (position === 0) body = allocate(byteSize);
    body.set(piece, position);
    position += piece.length;
  };
  message.on('data', (piece: Buffer) => {
    try {
      collect(piece);
    } catch (reason) {
      stop(message);
      done(InferenceServerError.from(reason), EMPTY);
    }
  });
  message.on('end', () => {
    done(undefined, body);
  });
}

function collectChunks(message: IncomingMessage, done: BodyCallback): void {
  const pieces: Buffer[] = [];
  let byteSize = 0;
  let smallPieces = 0;
  message.on('data', (piece: Buffer) => {
    pieces.push(piece);
    byteSize += piece.length;
    if (piece.length < SMALL_PIECE_BYTE_SIZE) smallPieces++;
    if (byteSize <= MAX_BODY_BYTE_SIZE && smallPieces <= MAX_SMALL_PIECES) return;
    stop(message);
    const what = smallPieces > MAX_SMALL_PIECES ? `more than ${String(MAX_SMALL_PIECES)} chunks` : 'chunked body';
    done(tooLarge(what), EMPTY);
  });
  message.on('end', () => {
    done(undefined, pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces, byteSize));
  });
}

/** What still comes is not read: the answer must close the connection. */
function stop(message: IncomingMessage): void {
  message.removeAllListeners('data');
  message.removeAllListeners('end');
  message.pause();
}

function allocate(byteSize: number): Buffer<ArrayBuffer> {
  try {
    return Buffer.allocUnsafe(byteSize);
  } catch (cause) {
    const message = `no memory for a request body of ${String(byteSize)} bytes`;
    throw new InferenceServerError('UNAVAILABLE', message, { cause });
  }
}

function tooLarge(what: string): InferenceServerError {
  const message = `request body is too large: ${what}, at most ${String(MAX_BODY_BYTE_SIZE)} bytes are taken`;
  return new InferenceServerError('INVALID_ARG', message);
}
