import { AsyncResource } from 'node:async_hooks';
import type { SecureContext } from 'node:tls';
import { ConnectError } from './connect-error.ts';
import {
  HttpConnection,
  type AnswerHandler,
  type ConnectionOwner,
  type HttpCall,
} from './http-connection.ts';
import { formatRequestHead } from './request-head.ts';
import { createSocketSource } from './socket-source.ts';

/** A request to an engine. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST';
  /** From the root of the host on. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, in pieces. */
  readonly body?: readonly Uint8Array[] | undefined;
}

export interface ConnectionPoolOptions {
  /**
   * Closes a connection that nobody used for so long. Default: 4000, as uvicorn closes those that were idle for 5 s: ours go
   * before, or a request might be sent into a closing one.
   */
  readonly idleMs?: number;
  /** Gives up on a connection that is not there after so long. Default: 10,000. */
  readonly connectMs?: number;
  /** For https: whom to trust, and as whom to be seen. Default: Node's authorities, and as nobody. */
  readonly tls?: SecureContext | undefined;
}

/** An engine that says how long it keeps a connection may begin to count earlier than we do. */
const KEEP_ALIVE_MARGIN_MS = 1000;

/** Connections keep the async context in which they are made: without this one, that of their first request. */
const outsideOfRequests = new AsyncResource('EngineConnections');

/** Connections to one host, as many as there are requests at a time. The one that was used last is used first. */
export class ConnectionPool implements ConnectionOwner {
  readonly #host: string;
  readonly #idleMs: number;
  readonly #source: ConstructorParameters<typeof HttpConnection>[1];
  readonly #connections = new Set<HttpConnection>();
  /** With the time at which each is closed. */
  #idle: { readonly connection: HttpConnection; readonly untilMs: number }[] = [];
  #closing: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param url - Its origin counts. */
  constructor(url: URL, { idleMs = 4000, connectMs = 10_000, tls }: ConnectionPoolOptions = {}) {
    this.#host = url.host;
    this.#idleMs = idleMs;
    this.#source = createSocketSource(url, { connectMs, tls });
  }

  /** Connections that there are, idle ones included. */
  get size(): number {
    return this.#connections.size;
  }

  /** Sends a request. The handler is never called before this returns. */
  send({ method, path, headers, body }: HttpRequest, handler: AnswerHandler): HttpCall {
    if (this.#isClosed) return failSoon(handler, 'the engine is not used any more');
    const bodyBytes = body?.reduce((sum, { length }) => sum + length, 0);
    let head: string;
    try {
      head = formatRequestHead({ host: this.#host, headers }, { method, path, bodyBytes });
    } catch (error) {
      return failSoon(handler, String(error));
    }
    const connection = this.#idle.pop()?.connection ?? this.#open();
    return connection.send({ head, body: body ?? [], bodyBytes: bodyBytes ?? 0 }, handler);
  }

  onIdle(connection: HttpConnection, keepAliveSeconds: number | undefined): void {
    const told = keepAliveSeconds === undefined ? Infinity : keepAliveSeconds * 1000 - KEEP_ALIVE_MARGIN_MS;
    const keptMs = Math.min(this.#idleMs, told);
    if (keptMs <= 0) {
      connection.close();
      return;
    }
    this.#idle.push({ connection, untilMs: performance.now() + keptMs });
    this.#closing ??= setTimeout(() => this.#closeOld(), keptMs).unref();
  }

  onClosed(connection: HttpConnection): void {
    this.#connections.delete(connection);
    const at = this.#idle.findIndex((idle) => idle.connection === connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Closes all connections; requests that run fail. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#closing);
    const reason = new Error('the engine is not used any more');
    for (const connection of [...this.#connections]) connection.fail(reason);
  }

  #open(): HttpConnection {
    const connection = outsideOfRequests.runInAsyncScope(() => new HttpConnection(this, this.#source));
    this.#connections.add(connection);
    return connection;
  }

  #closeOld(): void {
    const now = performance.now();
    this.#closing = undefined;
    let nextMs = Infinity;
    for (const { connection, untilMs } of [...this.#idle]) {
      if (untilMs <= now) connection.close();
      else nextMs = Math.min(nextMs, untilMs - now);
    }
    if (nextMs < Infinity) this.#closing = setTimeout(() => this.#closeOld(), nextMs).unref();
  }
}

/** An end without a connection. */
function failSoon(handler: AnswerHandler, message: string): HttpCall {
  let isOver = false;
  process.nextTick(() => {
    if (!isOver) handler.onError(new ConnectError(message));
  });
  return {
    abort: () => {
      isOver = true;
    },
    pause: () => undefined,
  };
}
