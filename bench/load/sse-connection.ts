/**
 * A client of streamed answers over a bare socket: it finds tokens and the end of an answer in the bytes, and parses no
 * more than that, so that one process can follow thousands of streams.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';

/** What is sent, and where. */
export interface SseTarget {
  /** With the path. */
  readonly url: string;
  /** JSON. */
  readonly body: string;
}

/** Hears of one answer. */
export interface SseListener {
  /** Bytes with the events of some tokens. */
  onTokens(count: number, text: string): void;
  onEnd(): void;
  onFailure(error: Error): void;
}

/** What ends the body of an answer in chunks. */
const LAST_CHUNK = '0\r\n\r\n';
const HEAD_END = '\r\n\r\n';

/** One connection, that sends its request any number of times, one after the other. */
export class SseConnection {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #target: SseTarget;
  #listener: SseListener | undefined;
  #hasHead = false;
  #head = '';
  /** Of the last piece: the end of an answer may be cut. */
  #tail = '';

  private constructor(socket: Socket, target: SseTarget) {
    this.#socket = socket;
    this.#target = target;
    this.#request = requestText(target);
    socket.on('data', (piece: Buffer) => this.#receive(piece.toString('latin1')));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error(`${target.url}: the connection was closed`)));
  }

  static async open(target: SseTarget): Promise<SseConnection> {
    const { hostname, port } = new URL(target.url);
    const socket = createConnection({ host: hostname, port: Number(port), noDelay: true });
    await once(socket, 'connect');
    return new SseConnection(socket, target);
  }

  send(listener: SseListener): void {
    this.#listener = listener;
    this.#hasHead = false;
    this.#head = '';
    this.#tail = '';
    this.#socket.write(this.#request, 'latin1');
  }

  /** Goes without a word, whatever still comes. */
  close(): void {
    this.#listener = undefined;
    this.#socket.destroy();
  }

  #receive(text: string): void {
    const body = this.#hasHead ? text : this.#takeHead(text);
    if (body === undefined || body === '') return;
    const count = countEvents(body);
    if (count > 0) this.#listener?.onTokens(count, body);
    const end = (this.#tail + body).slice(-LAST_CHUNK.length);
    this.#tail = end;
    if (end !== LAST_CHUNK) return;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onEnd();
  }

  /** What follows the head; undefined while some of it is missing. */
  #takeHead(text: string): string | undefined {
    this.#head += text;
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return undefined;
    if (!this.#head.startsWith('HTTP/1.1 200')) {
      this.#fail(new Error(`${this.#target.url}: ${this.#head.slice(0, 500)}`));
      return undefined;
    }
    this.#hasHead = true;
    return this.#head.slice(end + HEAD_END.length);
  }

  #fail(error: Error): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onFailure(error);
  }
}

/** Events but the last one, `[DONE]`. */
function countEvents(body: string): number {
  let count = 0;
  for (let at = body.indexOf('data: '); at >= 0; at = body.indexOf('data: ', at + 6)) {
    if (body[at + 6] !== '[') count += 1;
  }
  return count;
}

function requestText({ url, body }: SseTarget): string {
  const { pathname, host } = new URL(url);
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json`;
  return `${head}\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
}
