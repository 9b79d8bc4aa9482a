/** The answer to a plain request: what the handlers use of Node's `ServerResponse`, and no more. Hot path. */
import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { OutgoingHttpHeaders } from 'node:http';
import { formatAnswerHead } from './answer-head.ts';

/** Hears of an answer. */
export interface AnswerOwner {
  /** All of it was handed to the socket. */
  onEnded(answer: PlainAnswer): void;
}

const LINE_END = '\r\n';
const LAST_CHUNK = '0\r\n\r\n';

/** Pieces of bodies that have no length get chunks of their own. */
type Framing = 'length' | 'chunks';

/**
 * States: open → head written (`headersSent`) → ended → closed, when the system has all of it; or destroyed → closed, with the
 * connection. Events: `close`, `drain` and `timeout`, as Node's.
 */
export class PlainAnswer extends EventEmitter<{ close: []; drain: []; timeout: [] }> {
  readonly #socket: Socket;
  readonly #owner: AnswerOwner;
  readonly #headers: OutgoingHttpHeaders = {};
  /** Written with the first bytes of the body. */
  #head = '';
  #framing: Framing = 'length';
  #hasHead = false;
  #isEnded = false;
  #isClosed = false;
  #isFinished = false;
  #isCorked = false;
  /** Whether the connection may carry another request. */
  shouldKeepAlive = true;

  constructor(socket: Socket, owner: AnswerOwner) {
    super();
    this.#socket = socket;
    this.#owner = owner;
  }

  /** Whether the head is fixed. */
  get headersSent(): boolean {
    return this.#hasHead;
  }

  get writableEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether the system has all of it. */
  get writableFinished(): boolean {
    return this.#isFinished;
  }

  get writableNeedDrain(): boolean {
    return !this.#isEnded && this.#socket.writableNeedDrain;
  }

  /** Whether nobody gets it any more. */
  get destroyed(): boolean {
    return this.#isClosed || this.#socket.destroyed;
  }

  get socket(): Socket {
    return this.#socket;
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  /** For the head that is written later. */
  setHeader(name: string, value: string | number): this {
    this.#headers[name] = value;
    return this;
  }

  /** @param headers - Without a length, the body is sent in chunks. */
  writeHead(status: number, headers: OutgoingHttpHeaders = {}): this {
    const all: OutgoingHttpHeaders = { ...this.#headers, ...headers };
    if (all['Content-Length'] === undefined) {
      this.#framing = 'chunks';
      all['Transfer-Encoding'] = 'chunked';
    }
    this.#head = formatAnswerHead(status, all, this.shouldKeepAlive);
    this.#hasHead = true;
    return this;
  }

  /** Until its end, what is written waits for more. */
  cork(): void {
    this.#isCorked = true;
    this.#socket.cork();
  }

  /** @returns false when it waits in memory: `drain` says when it does no more. */
  write(piece: Uint8Array | string, encoding: BufferEncoding = 'utf8'): boolean {
    if (this.destroyed || this.#isEnded || piece.length === 0) return !this.writableNeedDrain;
    this.#requireHead();
    this.#writeWithHead(this.#framing === 'chunks' ? toChunk(piece, encoding) : piece, encoding);
    return !this.#socket.writableNeedDrain;
  }

  /** @param piece - The last one. Default: none. */
  end(piece: Uint8Array | string = '', encoding: BufferEncoding = 'utf8'): this {
    if (this.#isEnded || this.destroyed) return this;
    this.#requireHead();
    this.#isEnded = true;
    // That it has gone costs nothing where nobody waits for it.
    const done =
      this.listenerCount('close') > 0 ? (error?: Error | null): void => this.#finish(error) : undefined;
    if (done === undefined) this.#isClosed = true;
    if (this.#framing === 'chunks') {
      if (piece.length > 0) this.#writeWithHead(toChunk(piece, encoding), encoding);
      this.#writeWithHead(LAST_CHUNK, 'latin1', done);
    } else {
      this.#writeWithHead(piece, encoding, done);
    }
    if (this.#isCorked) this.#socket.uncork();
    this.#owner.onEnded(this);
    return this;
  }

  /** Cuts the connection. */
  destroy(): this {
    this.#socket.destroy();
    return this;
  }

  /** `timeout` comes when the client took nothing for so many milliseconds; 0: never. */
  setTimeout(milliseconds: number): this {
    this.#socket.setTimeout(milliseconds);
    return this;
  }

  /** The connection is gone, or has all of it. */
  close(): void {
    if (this.#isClosed && this.listenerCount('close') === 0) return;
    this.#isClosed = true;
    this.emit('close');
    this.removeAllListeners();
  }

  #finish(error: Error | null | undefined): void {
    this.#isFinished = !error;
    this.close();
  }

  #requireHead(): void {
    if (!this.#hasHead) this.writeHead(200);
  }

  /** Head and text leave as one string of bytes, the cheapest of writes; bytes follow the head in the same call of the system. */
  #writeWithHead(
    piece: Uint8Array | string,
    encoding: BufferEncoding,
    done?: (error?: Error | null) => void,
  ): void {
    const head = this.#head;
    const socket = this.#socket;
    this.#head = '';
    if (head === '') {
      socket.write(piece, encoding, done);
    } else if (typeof piece === 'string') {
      const bytes = encoding === 'latin1' ? piece : Buffer.from(piece, encoding).toString('latin1');
      socket.write(head + bytes, 'latin1', done);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(piece, done);
      socket.uncork();
    }
  }
}

/** A piece with its frame around it: one plain write. */
function toChunk(piece: Uint8Array | string, encoding: BufferEncoding): Uint8Array | string {
  if (typeof piece === 'string') {
    return Buffer.byteLength(piece, encoding).toString(16) + LINE_END + piece + LINE_END;
  }
  const head = piece.length.toString(16) + LINE_END;
  const chunk = Buffer.allocUnsafe(head.length + piece.length + LINE_END.length);
  chunk.write(head, 0, 'latin1');
  chunk.set(piece, head.length);
  chunk.write(LINE_END, head.length + piece.length, 'latin1');
  return chunk;
}
