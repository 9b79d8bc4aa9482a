import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { HttpAnswer } from './http-answer.ts';

const LINE_END = '\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/**
 * Writes an answer whose pieces leave as they are made, a token say. Node gathers the frame of a chunk out of four buffers,
 * for which the system takes three times as long as for one: here each piece has its frame around it and is one plain write.
 * All else stays Node's: `writableNeedDrain`, `drain`, the end, and the next request on the connection.
 *
 * States: created → begun → ended.
 */
export class StreamedAnswer {
  readonly #response: HttpAnswer;
  #framesPieces = false;
  #hasWritten = false;

  constructor(response: HttpAnswer) {
    this.#response = response;
  }

  /** Whether the head was written, by whomever. */
  get hasBegun(): boolean {
    return this.#response.headersSent;
  }

  /** Writes the head. */
  begin(status: number, headers: OutgoingHttpHeaders): void {
    const response = this.#response;
    // A client of HTTP/1.0 takes no chunks; and what waits for the answer before it, or goes to no network, is Node's.
    if (isOfNode(response) && response.useChunkedEncodingByDefault && response.socket instanceof Socket) {
      this.#framesPieces = true;
      response.writeHead(status, { ...headers, 'Transfer-Encoding': 'chunked' });
      response.chunkedEncoding = false;
    } else {
      response.writeHead(status, headers);
    }
  }

  /** @param piece - Its bytes are copied, or written before this returns, unless the client does not read. */
  write(piece: Uint8Array | string): void {
    if (piece.length === 0) return;
    const bytes = this.#framesPieces ? toChunk(piece) : piece;
    if (this.#hasWritten) this.#response.write(bytes);
    // The first one as a string of bytes: Node joins that with the head into one plain write.
    else this.#response.write(Buffer.from(bytes).toString('latin1'), 'latin1');
    this.#hasWritten = true;
  }

  /** @param piece - A last one. Default: none. */
  end(piece: Uint8Array | string = ''): void {
    if (piece.length > 0) this.write(piece);
    if (this.#framesPieces) this.#response.end(LAST_CHUNK, 'latin1');
    else this.#response.end();
  }
}

/** Answers to plain requests, which the server writes itself, frame each piece so already. */
function isOfNode(response: HttpAnswer): response is ServerResponse {
  return 'chunkedEncoding' in response;
}

function toChunk(piece: Uint8Array | string): Uint8Array | string {
  if (typeof piece === 'string') {
    return Buffer.byteLength(piece).toString(16) + LINE_END + piece + LINE_END;
  }
  const head = piece.length.toString(16) + LINE_END;
  const chunk = Buffer.allocUnsafe(head.length + piece.length + LINE_END.length);
  chunk.write(head, 0, 'latin1');
  chunk.set(piece, head.length);
  chunk.write(LINE_END, head.length + piece.length, 'latin1');
  return chunk;
}
