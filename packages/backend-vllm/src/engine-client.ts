import { AsyncResource } from 'node:async_hooks';
import type { Dispatcher } from 'undici';
import type { Engine } from './engine.ts';

/** Headers of an answer, names in lower case. */
export type EngineHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** Hears of an answer: status, data, then its end or an error; nothing after that, nor after `abort`. */
export interface EngineAnswer {
  onStatus(status: number, headers: EngineHeaders): void;
  /** A view of the socket's read buffer: copy what is kept, or 64 KiB stay alive for 200 bytes. */
  onData(chunk: Buffer): void;
  onEnd(): void;
  /** Connection refused, reset, cut. */
  onError(error: Error): void;
}

/** A request that runs on an engine. */
export interface EngineCall {
  /** Closes its connection, in this turn of the loop: engines stop working on a request when its client goes. */
  abort(): void;
  /** Stops reading, or goes on: the engine is held back by its own connection then. */
  pause(isPaused: boolean): void;
}

/** What is asked of an engine. */
export interface EngineCallRequest {
  readonly method: 'GET' | 'POST';
  /** Below the engine's URL: `/v1/completions`. */
  readonly path: string;
  /** JSON. */
  readonly body?: Uint8Array;
}

/** Sockets keep the async context in which they are made: without this one, that of their first request for as long as they live. */
const outsideOfRequests = new AsyncResource('EngineCall');

/** Sends a request to an engine. What is heard of its answer may come before this returns, if there is no connection to be had. */
export function callEngine(
  { url, headers, dispatcher }: Pick<Engine, 'url' | 'headers' | 'dispatcher'>,
  { method, path, body }: EngineCallRequest,
  answer: EngineAnswer,
): EngineCall {
  const base = url.pathname.endsWith('/') ? url.pathname.slice(0, -1) : url.pathname;
  const call = new DispatchedCall(answer);
  const options: Dispatcher.DispatchOptions = {
    origin: url.origin,
    path: base + path,
    method,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    body: body ?? null,
  };
  outsideOfRequests.runInAsyncScope(() => dispatcher.dispatch(options, call));
  return call;
}

/** States: waiting for a connection → running → over. */
class DispatchedCall implements EngineCall, Dispatcher.DispatchHandler {
  readonly #answer: EngineAnswer;
  #controller: Dispatcher.DispatchController | undefined;
  #isOver = false;
  #isPaused = false;

  constructor(answer: EngineAnswer) {
    this.#answer = answer;
  }

  abort(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#controller?.abort(new Error('the request was given up'));
  }

  pause(isPaused: boolean): void {
    if (this.#isPaused === isPaused) return;
    this.#isPaused = isPaused;
    if (isPaused) this.#controller?.pause();
    // Not at once: this may be called while the answer of another call is being read, and then the parser can't go on.
    else queueMicrotask(() => this.#resume());
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isOver) controller.abort(new Error('the request was given up'));
    else if (this.#isPaused) controller.pause();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: EngineHeaders): void {
    if (!this.#isOver) this.#answer.onStatus(status, headers);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (!this.#isOver) this.#answer.onData(chunk);
  }

  onResponseEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answer.onEnd();
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#answer.onError(error);
  }

  #resume(): void {
    if (!this.#isPaused && !this.#isOver) this.#controller?.resume();
  }
}
