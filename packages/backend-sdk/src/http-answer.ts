/** What a request over HTTP is answered through. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';

/** The head of a request; Node's `IncomingMessage` is one. */
export interface HttpRequestHead {
  readonly method?: string | undefined;
  /** Path and query, as they came. */
  readonly url?: string | undefined;
  /** By their names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Names as the client wrote them and values, in turn. */
  readonly rawHeaders: readonly string[];
}

/** Events of an answer: it is over, sent or not; what was written does not wait any more; the client took nothing for a time. */
export type HttpAnswerEvent = 'close' | 'drain' | 'timeout';

/** What a request is answered through: a part of Node's `ServerResponse`, which is one. */
export interface HttpAnswer {
  /** Whether the head is fixed. */
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  /** Whether the system has all of it: what it is made of is needed no more. */
  readonly writableFinished: boolean;
  /** Whether what was written waits for the client. */
  readonly writableNeedDrain: boolean;
  /** Whether nobody gets it any more. */
  readonly destroyed: boolean;
  /** Whether `close` came. */
  readonly closed: boolean;
  readonly socket: Socket | null;
  /** Whether the connection may carry another request. To be changed before the head is written. */
  shouldKeepAlive: boolean;
  setHeader(name: string, value: string | number): unknown;
  /** @param headers - Without a `Content-Length`, the body has no length. */
  writeHead(status: number, headers?: OutgoingHttpHeaders): HttpAnswer;
  /** Until its end, what is written waits for more. */
  cork(): void;
  /** @returns false when it waits for the client. */
  write(piece: Uint8Array | string, encoding?: BufferEncoding): boolean;
  end(piece?: Uint8Array | string, encoding?: BufferEncoding): unknown;
  /** Cuts the connection. */
  destroy(): unknown;
  /** Milliseconds without progress until `timeout`; 0: never. */
  setTimeout(milliseconds: number): HttpAnswer;
  on(event: HttpAnswerEvent, listener: () => void): unknown;
  once(event: HttpAnswerEvent, listener: () => void): unknown;
  off(event: HttpAnswerEvent, listener: () => void): unknown;
  /** More than ten listeners of an event are taken for a leak, unless they are announced. */
  setMaxListeners(count: number): unknown;
  getMaxListeners(): number;
}
