/**
 * A client of streamed answers over a bare socket: it finds tokens and the end of an answer in the bytes, and parses no
 * more than that, so that one process can follow thousands of streams beside those who serve them.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What is sent, and where. */
export interface SseTarget {
  /** With the path. */
  readonly url: string;
  /** JSON. */
  readonly body: string;
}

/** Hears of one answer. */
export interface SseListener {
  /** Bytes of the body, which are the next piece's when this returns. */
  onData(bytes: Buffer): void;
  onEnd(): void;
  onFailure(error: Error): void;
}

/** What ends the body of an answer in chunks. */
const LAST_CHUNK = Buffer.from('0\r\n\r\n');
const HEAD_END = '\r\n\r\n';

/** Every read of every connection lands here: each is dealt with before the next one. */
const READ_BUFFER = Buffer.allocUnsafeSlow(65_536);

/** One connection, that sends its request any number of times, one after the other. */
export class SseConnection {
  readonly #socket: Socket;
  readonly #request: string;
  readonly #target: SseTarget;
  #listener: SseListener | undefined;
  #hasHead = false;
  #head = '';
  /** How much of the last chunk the body ends with so far: it may be cut. */
  #matched = 0;

  private constructor(target: SseTarget) {
    const { hostname, port } = new URL(target.url);
    this.#target = target;
    this.#request = requestText(target);
    this.#socket = connect({
      host: hostname,
      port: Number(port),
      noDelay: true,
      // Neither an event nor a buffer for each read.
      onread: {
        buffer: READ_BUFFER,
        callback: (byteLength) => {
          this.#receive(READ_BUFFER.subarray(0, byteLength));
          return true;
        },
      },
    });
    this.#socket.on('error', (error) => this.#fail(error));
    this.#socket.on('close', () => this.#fail(new Error(`${target.url}: the connection was closed`)));
  }

  static async open(target: SseTarget): Promise<SseConnection> {
    const connection = new SseConnection(target);
    await once(connection.#socket, 'connect');
    return connection;
  }

  send(listener: SseListener): void {
    this.#listener = listener;
    this.#hasHead = false;
    this.#head = '';
    this.#matched = 0;
    this.#socket.write(this.#request, 'latin1');
  }

  /** Goes without a word, whatever still comes. */
  close(): void {
    this.#listener = undefined;
    this.#socket.destroy();
  }

  #receive(bytes: Buffer): void {
    const body = this.#hasHead ? bytes : this.#takeHead(bytes);
    if (body === undefined || body.length === 0) return;
    this.#listener?.onData(body);
    if (!this.#isLast(body)) return;
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onEnd();
  }

  /** What follows the head; undefined while some of it is missing. */
  #takeHead(bytes: Buffer): Buffer | undefined {
    const before = this.#head.length;
    this.#head += bytes.toString('latin1');
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0) return undefined;
    if (!this.#head.startsWith('HTTP/1.1 200')) {
      this.#fail(new Error(`${this.#target.url}: ${this.#head.slice(0, 500)}`));
      return undefined;
    }
    this.#hasHead = true;
    return bytes.subarray(end + HEAD_END.length - before);
  }

  /** Whether the body ends with these bytes. */
  #isLast(body: Buffer): boolean {
    const length = LAST_CHUNK.length;
    if (body.length >= length) {
      const tail = body.subarray(body.length - length);
      if (tail.equals(LAST_CHUNK)) return true;
      // The usual end of a piece: nothing of the last chunk.
      this.#matched = 0;
    }
    for (const byte of body.subarray(-length)) {
      if (byte === LAST_CHUNK[this.#matched]) this.#matched += 1;
      else this.#matched = byte === LAST_CHUNK[0] ? 1 : 0;
    }
    return this.#matched === length;
  }

  #fail(error: Error): void {
    const listener = this.#listener;
    this.#listener = undefined;
    listener?.onFailure(error);
  }
}

function requestText({ url, body }: SseTarget): string {
  const { pathname, host } = new URL(url);
  const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json`;
  return `${head}\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
}
