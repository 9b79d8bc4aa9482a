/** A port for HTTP: plain requests are served by our own server, all others by Node's, which is loaded when it is needed. */
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { InferenceServerError } from '@nereid/protocol';
import type { PlainListener } from '../http1/http1-connection.ts';
import { Http1Server } from '../http1/http1-server.ts';
import type { RequestHead } from '../http1/request-head.ts';
import { listenOn, type ListenOptions } from '../listen-on.ts';
import { refuseSlowRequest } from './error-handler.ts';

/** How often a closing server looks for connections that have become idle, in milliseconds. */
const IDLE_CHECK_INTERVAL = 20;

/** Who serves what. */
export interface EndpointHandlers {
  /** Whom plain requests of this head are for; undefined: for Node's server. */
  find(head: RequestHead): PlainListener | undefined;
  /** Makes Node's server, for the first request that is not plain. It listens nowhere itself. */
  createNodeServer(): Promise<Server>;
  /** Node's server could not be made: connections that want it are closed. */
  onFailure(reason: unknown): void;
}

export class HttpEndpoint {
  readonly #handlers: EndpointHandlers;
  readonly #plain: Http1Server;
  #making: Promise<Server> | undefined;
  #node: Server | undefined;
  /** Connections that wait for Node's server. */
  readonly #waiting = new Set<Socket>();
  #isClosing = false;

  constructor(handlers: EndpointHandlers) {
    this.#handlers = handlers;
    this.#plain = new Http1Server({
      find: (head) => handlers.find(head),
      adopt: (socket) => this.#adopt(socket),
      refuseSlow: refuseSlowRequest,
    });
  }

  /** Makes Node's server, if it is not there. */
  async prepare(): Promise<void> {
    await (this.#making ??= this.#make());
  }

  /**
   * @returns The port it listens on.
   * @throws InferenceServerError UNAVAILABLE when the port cannot be had.
   */
  async listen(where: ListenOptions): Promise<{ readonly port: number }> {
    try {
      return { port: await listenOn(this.#plain.socketServer, where) };
    } catch (cause) {
      const { message: reason } = InferenceServerError.from(cause);
      const message = `cannot listen for HTTP on ${where.address}:${String(where.port)}: ${reason}`;
      throw new InferenceServerError('UNAVAILABLE', message, { cause });
    }
  }

  /**
   * Takes no new connections, lets the running requests end, and closes each connection once it is idle.
   *
   * @param graceMs - After this many milliseconds the running requests are cut off.
   */
  async close(graceMs: number): Promise<void> {
    this.#isClosing = true;
    this.#node?.prependListener('request', closeConnectionAfter);
    const closeIdle = (): void => this.#node?.closeIdleConnections();
    const idleCheck = setInterval(closeIdle, IDLE_CHECK_INTERVAL);
    const deadline = setTimeout(() => {
      this.#plain.destroyConnections();
      for (const socket of this.#waiting) socket.destroy();
      this.#node?.closeAllConnections();
    }, graceMs);
    const closed = this.#plain.close();
    closeIdle();
    await closed;
    clearInterval(idleCheck);
    clearTimeout(deadline);
    this.#node?.close();
  }

  async #make(): Promise<Server> {
    const server = await this.#handlers.createNodeServer();
    // It listens nowhere itself; with this it looks after its connections, as one that does.
    server.emit('listening');
    if (this.#isClosing) server.prependListener('request', closeConnectionAfter);
    this.#node = server;
    return server;
  }

  #adopt(socket: Socket): void {
    if (this.#node === undefined) void this.#adoptLater(socket);
    else adopt(this.#node, socket);
  }

  async #adoptLater(socket: Socket): Promise<void> {
    this.#waiting.add(socket);
    try {
      const server = await (this.#making ??= this.#make());
      if (!socket.destroyed) adopt(server, socket);
    } catch (reason) {
      socket.destroy();
      this.#handlers.onFailure(reason);
    } finally {
      this.#waiting.delete(socket);
    }
  }
}

/** Makes a connection one of Node's server. */
function adopt(server: Server, socket: Socket): void {
  server.emit('connection', socket);
  socket.resume();
}

function closeConnectionAfter(_request: unknown, response: ServerResponse): void {
  response.shouldKeepAlive = false;
}
