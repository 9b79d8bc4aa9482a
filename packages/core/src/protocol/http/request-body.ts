/** Reading the body of a request into one buffer. */
import type { IncomingMessage } from 'node:http';
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { parseJson, type JsonValue } from '@nereid/protocol/http';
import { AnnouncedBytes } from '../announced-bytes.ts';
import { noMemory, tensorsStart } from '../http1/incoming-body.ts';
import { PlainRequest } from '../http1/plain-request.ts';
import type { HttpRequest, RawRequest } from './route-table.ts';

/** The largest body that is taken, in bytes: Triton counts in 32 bits. */
const MAX_BODY_BYTE_SIZE = 2 ** 31 - 1;

/** A chunked body may come in at most this many small pieces. */
const MAX_SMALL_PIECES = 65_536;

/** Pieces of at least this many bytes are not counted: large chunks arrive in several. */
const SMALL_PIECE_BYTE_SIZE = 1024;

/** Gets the body, or what is wrong with it. Called at most once: not at all when the client has gone. */
export type BodyCallback = (error: InferenceServerError | undefined, body: Buffer) => void;

const EMPTY = Buffer.alloc(0);

/**
 * Reads a body. One that comes in a single piece is not copied, all others once. After a body that is not read to
 * its end the answer closes the connection.
 */
export function collectBody(request: RawRequest, answer: HttpAnswer, done: BodyCallback): void {
  if (request instanceof PlainRequest) {
    request.collectBody((error, body) => {
      if (error !== undefined) answer.shouldKeepAlive = false;
      done(error, body);
    });
  } else {
    collectFromStream(request, answer, done);
  }
}

function collectFromStream(message: IncomingMessage, answer: HttpAnswer, done: BodyCallback): void {
  const { headers } = message;
  const refuse = (reason: unknown): void => {
    stop(message);
    answer.shouldKeepAlive = false;
    done(InferenceServerError.from(reason), EMPTY);
  };
  if (headers['transfer-encoding'] !== undefined) {
    collectChunks(message, { done, refuse });
    return;
  }
  const byteSize = Number(headers['content-length'] ?? 0);
  if (byteSize === 0) {
    done(undefined, EMPTY);
  } else if (byteSize > MAX_BODY_BYTE_SIZE) {
    refuse(tooLarge(`Content-Length ${String(byteSize)}`));
  } else {
    collectDeclared(message, byteSize, { done, refuse });
  }
}

/** The two ends that reading can have. */
interface Outcome {
  readonly done: BodyCallback;
  readonly refuse: (reason: unknown) => void;
}

/**
 * Reads a body as JSON.
 *
 * @param maxByteSize - Default: no limit but that of all bodies.
 * @returns undefined for an empty body.
 */
export async function readJson(
  { raw }: HttpRequest,
  response: HttpAnswer,
  maxByteSize = MAX_BODY_BYTE_SIZE,
): Promise<JsonValue | undefined> {
  const body = await new Promise<Buffer>((resolve, reject) => {
    collectBody(raw, response, (error, whole) => {
      if (error === undefined) resolve(whole);
      else reject(error);
    });
  });
  assertJsonSize(body, maxByteSize);
  return body.length === 0 ? undefined : parseJson(body.toString('utf8'));
}

/**
 * Checks the size of a body that is JSON.
 *
 * @throws InferenceServerError INVALID_ARG when it has more than `maxByteSize` bytes.
 */
export function assertJsonSize(body: Buffer, maxByteSize: number): void {
  if (body.length <= maxByteSize) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `request JSON size of ${String(body.length)} bytes exceeds the maximum allowed input size of ` +
      `${String(maxByteSize)} bytes. Use --http-max-input-size to increase the limit.`,
  );
}

/**
 * A body that must not be empty.
 *
 * @throws InferenceServerError INTERNAL with Triton's text.
 */
export function assertJson(json: JsonValue | undefined): JsonValue {
  return json === undefined ? parseJson('') : json;
}

function collectDeclared(message: IncomingMessage, byteSize: number, { done, refuse }: Outcome): void {
  let body: Buffer = EMPTY;
  const pieces = new AnnouncedBytes(byteSize, tensorsStart(message.headers));
  message.on('data', (piece: Buffer) => {
    if (piece.length === byteSize) {
      body = piece;
      return;
    }
    try {
      pieces.push(piece);
    } catch (cause) {
      refuse(noMemory(byteSize, cause));
    }
  });
  message.on('end', () => {
    done(undefined, pieces.missing === 0 ? pieces.whole : body);
  });
}

function collectChunks(message: IncomingMessage, { done, refuse }: Outcome): void {
  const pieces: Buffer[] = [];
  let byteSize = 0;
  let smallPieces = 0;
  message.on('data', (piece: Buffer) => {
    pieces.push(piece);
    byteSize += piece.length;
    if (piece.length < SMALL_PIECE_BYTE_SIZE) smallPieces++;
    if (byteSize <= MAX_BODY_BYTE_SIZE && smallPieces <= MAX_SMALL_PIECES) return;
    const what =
      smallPieces > MAX_SMALL_PIECES ? `more than ${String(MAX_SMALL_PIECES)} chunks` : 'chunked body';
    refuse(tooLarge(what));
  });
  message.on('end', () => {
    done(undefined, pieces.length === 1 ? (pieces[0] ?? EMPTY) : Buffer.concat(pieces, byteSize));
  });
}

/** What still comes is not read. */
function stop(message: IncomingMessage): void {
  message.removeAllListeners('data');
  message.removeAllListeners('end');
  message.pause();
}

function tooLarge(what: string): InferenceServerError {
  const message = `request body is too large: ${what}, at most ${String(MAX_BODY_BYTE_SIZE)} bytes are taken`;
  return new InferenceServerError('INVALID_ARG', message);
}
