/**
 * HTTP/1.1 of our own, for plain requests: a GET or a POST with a length, to a path that is ours. At the first one that is
 * anything else, a connection is handed to Node's server, with every byte of it.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { Http1Connection, type ConnectionTimeouts, type PlainListener } from './http1-connection.ts';
import { readInto } from './read-into.ts';
import type { RequestHead } from './request-head.ts';

/** Those of Node's server. */
const TIMEOUTS: ConnectionTimeouts = { first: 60_000, body: 300_000 };

/** How often connections are looked at that take too long, in milliseconds. */
const CHECK_INTERVAL = 30_000;

/** Who serves what. */
export interface Http1Handler {
  /** Whom plain requests of this head are for; undefined: for `adopt`. */
  find(head: RequestHead): PlainListener | undefined;
  /** Serves a connection from now on. It is paused, and what was read of it is in its buffer again. */
  adopt(socket: Socket): void;
  /** Tells a client that it takes too long, and closes the connection. */
  refuseSlow(socket: Socket): void;
}

export class Http1Server {
  readonly socketServer: Server;
  readonly #connections = new Set<Http1Connection>();
  #check: NodeJS.Timeout | undefined;

  /**
   * @param timeouts - Default: those of Node's server.
   * @param read - See `Http1Connection`.
   */
  constructor(handler: Http1Handler, timeouts: ConnectionTimeouts = TIMEOUTS, read = readInto) {
    const owner = {
      find: (head: RequestHead) => handler.find(head),
      onGone: (connection: Http1Connection) => this.#connections.delete(connection),
      onUnusual: (socket: Socket, bytes: Buffer) => {
        socket.unshift(bytes);
        handler.adopt(socket);
      },
      onTooSlow: (socket: Socket) => handler.refuseSlow(socket),
    };
    // With keep-alive probes, clients are found that have gone without a word.
    this.socketServer = createServer({ noDelay: true, keepAlive: true }, (socket) => {
      this.#connections.add(new Http1Connection(socket, owner, read));
    });
    this.socketServer.on('listening', () => {
      const check = (): void => {
        for (const connection of this.#connections) connection.expire(timeouts);
      };
      this.#check = setInterval(check, CHECK_INTERVAL).unref();
    });
  }

  /** Takes no new connections and lets the running requests end. Resolves when all connections are closed, adopted ones too. */
  close(): Promise<void> {
    clearInterval(this.#check);
    return new Promise((resolve) => {
      this.socketServer.close(() => {
        resolve();
      });
      for (const connection of this.#connections) connection.close();
    });
  }

  /** Closes all connections at once, but not those that were adopted. */
  destroyConnections(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}
