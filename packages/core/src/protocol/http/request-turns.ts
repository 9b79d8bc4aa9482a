/** Requests of the connections of Node's server, in turn. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers what is no request. */
type Refuse = (error: Error, socket: Socket) => void;

/** A connection with a request that is being answered. */
interface BusyConnection {
  response: ServerResponse;
  /** Requests that wait for it, or what answers them. */
  readonly waiting: (() => void)[];
  /** The request that was read last, maybe in part. */
  last: IncomingMessage;
}

/**
 * Node starts all requests that a client sends ahead, and keeps the answers that it does not read: a few kilobytes could fill
 * the memory. Here a request waits until the client has the answer before, and those behind it wait with the client. What is no request
 * waits, too, or its refusal would come amid an answer, or instead.
 */
export class RequestTurns {
  readonly #busy = new WeakMap<Socket, BusyConnection>();
  readonly #serve: RequestListener;
  readonly #refuse: Refuse;

  constructor(serve: RequestListener, refuse: Refuse) {
    this.#serve = serve;
    this.#refuse = refuse;
  }

  readonly onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    const busy = this.#busy.get(socket);
    if (busy === undefined) {
      const begun = { response, waiting: [], last: request };
      this.#busy.set(socket, begun);
      this.#start(begun, request, response);
    } else {
      busy.last = request;
      wait(busy, socket, () => this.#start(busy, request, response));
    }
  };

  readonly onError: Refuse = (error, socket) => {
    const busy = this.#busy.get(socket);
    const refuse = (): void => this.#refuse(error, socket);
    if (busy === undefined || !socket.writable) {
      refuse();
    } else if (busy.last.complete) {
      wait(busy, socket, refuse);
    } else if (busy.waiting.pop() !== undefined) {
      wait(busy, socket, refuse);
    } else if (busy.response.headersSent) {
      socket.destroy();
    } else {
      refuse();
    }
  };

  #start(busy: BusyConnection, request: IncomingMessage, response: ServerResponse): void {
    busy.response = response;
    response.once('close', () => this.#goOn(busy, request.socket));
    this.#serve(request, response);
  }

  #goOn({ waiting }: BusyConnection, socket: Socket): void {
    const next = socket.writable ? waiting.shift() : undefined;
    if (next === undefined) this.#busy.delete(socket);
    else next();
    if (waiting.length === 0 && socket.isPaused()) socket.resume();
  }
}

function wait({ waiting }: BusyConnection, socket: Socket, next: () => void): void {
  waiting.push(next);
  // Later than in the parser, which resumes its socket after each request.
  process.nextTick(() => {
    if (waiting.length > 0) socket.pause();
  });
}
