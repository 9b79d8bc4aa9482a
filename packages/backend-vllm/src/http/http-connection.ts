import type { Socket } from 'node:net';
import type { AnswerHeaders } from './answer-head.ts';
import { AnswerParser, type AnswerListener } from './answer-parser.ts';
import { ConnectError } from './connect-error.ts';
import { explainTls } from './explain-tls.ts';

/** Hears of the answer to a request; nothing after its end or an error, nor after it was aborted. */
export interface AnswerHandler extends AnswerListener {
  onEnd(): void;
  /** {@link ConnectError}, {@link BadAnswerError}, or what cut the connection off. */
  onError(error: Error): void;
}

/** A request that runs. */
export interface HttpCall {
  /** Closes its connection, in this turn of the loop: engines stop working on a request when its client goes. */
  abort(): void;
  /** Stops reading, or goes on. What was read already still comes. */
  pause(isPaused: boolean): void;
}

/** Hears what becomes of a connection. */
export interface ConnectionOwner {
  /** It can carry another request, for so many seconds as far as the engine says. */
  onIdle(connection: HttpConnection, keepAliveSeconds: number | undefined): void;
  onClosed(connection: HttpConnection): void;
}

/** How a socket is opened. */
export interface SocketSource {
  /** @param onRead - Gets what comes, to be used at once; returns whether to go on. */
  open(onRead: (bytes: Buffer) => boolean): Socket;
  /** The event that tells that it can be used. */
  readonly connected: 'connect' | 'secureConnect';
  readonly connectMs: number;
}

/** A request as it is sent. */
export interface RequestBytes {
  /** In latin1. */
  readonly head: string;
  readonly body: readonly Uint8Array[];
  readonly bodyBytes: number;
}

/** A body up to this is copied behind its head: one buffer is one write. */
const MAX_JOINED_BYTES = 65_536;

/** One connection, that carries requests one after the other. States: idle ⇄ asked → closed; it may be asked before it is there. */
export class HttpConnection implements AnswerListener {
  readonly #owner: ConnectionOwner;
  readonly #socket: Socket;
  #isConnected = false;
  #isClosed = false;
  #call: RunningCall | undefined;
  #parser: AnswerParser | undefined;

  constructor(owner: ConnectionOwner, { open, connected, connectMs }: SocketSource) {
    this.#owner = owner;
    const socket = open((bytes) => this.#read(bytes));
    this.#socket = socket;
    socket.setTimeout(connectMs);
    socket.on('timeout', () => socket.destroy(new Error(`no connection within ${connectMs / 1000} s`)));
    socket.once(connected, () => {
      this.#isConnected = true;
      socket.setTimeout(0);
    });
    socket.on('error', (error) => this.fail(explainTls(error)));
    socket.on('end', () => this.#endOfInput());
    socket.on('close', () => this.fail(closedEarly()));
  }

  /** Sends a request; the answer to the one before must be complete. */
  send({ head, body, bodyBytes }: RequestBytes, handler: AnswerHandler): HttpCall {
    const call = new RunningCall(this, handler);
    this.#call = call;
    this.#parser = new AnswerParser(this);
    const socket = this.#socket;
    if (bodyBytes === 0) socket.write(head, 'latin1');
    else if (bodyBytes <= MAX_JOINED_BYTES)
      socket.write(Buffer.concat([Buffer.from(head, 'latin1'), ...body]));
    else {
      socket.cork();
      socket.write(head, 'latin1');
      for (const piece of body) socket.write(piece);
      socket.uncork();
    }
    return call;
  }

  /** Gives a request up, unless its answer is complete. */
  abort(call: HttpCall): void {
    if (this.#call === call) this.close();
  }

  pause(call: HttpCall, isPaused: boolean): void {
    if (this.#call !== call) return;
    if (isPaused) this.#socket.pause();
    else this.#socket.resume();
  }

  /** Closes it. Whoever waits for an answer hears nothing. */
  close(): void {
    this.#call = undefined;
    this.#close();
  }

  /** Closes it, and tells whoever waits for an answer why. */
  fail(error: Error): void {
    const call = this.#call;
    this.close();
    call?.handler.onError(this.#isConnected ? error : new ConnectError(error.message, error));
  }

  onStatus(status: number, headers: AnswerHeaders): void {
    this.#call?.handler.onStatus(status, headers);
  }

  onData(chunk: Buffer): void {
    this.#call?.handler.onData(chunk);
  }

  #read(bytes: Buffer): boolean {
    const parser = this.#parser;
    // An engine that speaks without being asked: whatever it means, nothing can follow on this connection.
    if (parser === undefined) this.close();
    else if (this.#parse(parser, bytes)) this.#complete(parser);
    return !this.#isClosed;
  }

  /** @returns Whether the answer is complete. */
  #parse(parser: AnswerParser, bytes: Buffer): boolean {
    try {
      return parser.push(bytes);
    } catch (error) {
      this.fail(error instanceof Error ? error : new Error(String(error)));
      return false;
    }
  }

  #endOfInput(): void {
    const parser = this.#parser;
    if (parser?.isEndedByConnection === true) this.#complete(parser);
    else this.fail(closedEarly());
  }

  /** The connection is free before the end is told: whoever hears of it may send the next request at once. */
  #complete({ keepsAlive, keepAliveSeconds }: AnswerParser): void {
    const call = this.#call;
    this.#call = undefined;
    this.#parser = undefined;
    // A request that was answered before all of it was sent leaves its rest on the way.
    if (!keepsAlive || this.#isClosed || this.#socket.writableLength > 0) this.#close();
    else {
      if (this.#socket.isPaused()) this.#socket.resume();
      this.#owner.onIdle(this, keepAliveSeconds);
    }
    call?.handler.onEnd();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#parser = undefined;
    this.#socket.destroy();
    this.#owner.onClosed(this);
  }
}

class RunningCall implements HttpCall {
  readonly handler: AnswerHandler;
  readonly #connection: HttpConnection;

  constructor(connection: HttpConnection, handler: AnswerHandler) {
    this.#connection = connection;
    this.handler = handler;
  }

  abort(): void {
    this.#connection.abort(this);
  }

  pause(isPaused: boolean): void {
    this.#connection.pause(this, isPaused);
  }
}

function closedEarly(): Error {
  return new Error('it was closed before the answer was complete');
}
