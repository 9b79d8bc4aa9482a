import { InferenceServerError, type StatusCode } from '@nereid/backend-sdk';
import type { AnswerReader, EngineRequest } from './answer-reader.ts';
import { callEngine } from './engine-client.ts';
import { isBusyStatus, toEngineError } from './engine-error.ts';
import type { EngineLease, LeaseOutcome } from './engine.ts';
import type { AnswerHeaders } from './http/answer-head.ts';
import { BadAnswerError } from './http/bad-answer-error.ts';
import { ConnectError } from './http/connect-error.ts';
import type { AnswerHandler, HttpCall } from './http/http-connection.ts';

/** How one attempt ended; without an error the client has all of its answer. */
export interface AttemptEnd {
  readonly error: InferenceServerError | undefined;
  readonly outcome: LeaseOutcome;
  /**
   * Whether it may be tried again: `here`, when a connection broke that may have been closing already; `elsewhere`, when
   * this engine can't take it.
   */
  readonly again: 'no' | 'here' | 'elsewhere';
}

/** Hears of an attempt. */
export interface AttemptListener {
  /**
   * Data of a result came.
   *
   * @param tokens - That it brought, as far as that shows.
   * @param now - `performance.now()`
   */
  onTokens(tokens: number, now: number): void;
  onEnd(end: AttemptEnd): void;
}

/** Of an error's body is kept. */
const MAX_ERROR_BYTES = 64 * 1024;

/** An engine that can't do what is asked for: no fault that others would meet, too. */
const NOT_IMPLEMENTED = 501;

/** A request on one engine. States: asked → answered with an error | with a result → over. */
export class EngineAttempt implements AnswerHandler {
  readonly #lease: EngineLease;
  readonly #reader: AnswerReader;
  readonly #listener: AttemptListener;
  #call: HttpCall | undefined;
  #isOver = false;
  #status = 0;
  #headers: AnswerHeaders = new Map();
  #errorBody: Buffer[] = [];
  #errorBytes = 0;

  constructor(lease: EngineLease, request: EngineRequest, listener: AttemptListener) {
    this.#lease = lease;
    this.#listener = listener;
    this.#reader = request.open(lease.engine);
    lease.onLost = (why) => this.#lose(why);
  }

  get reader(): AnswerReader {
    return this.#reader;
  }

  start({ path, bodyFor }: EngineRequest, isPaused: boolean): void {
    const { engine } = this.#lease;
    const call = callEngine(engine, { method: 'POST', path, body: bodyFor(engine) }, this);
    this.#call = call;
    if (isPaused) call.pause(true);
  }

  pause(isPaused: boolean): void {
    this.#call?.pause(isPaused);
  }

  /** Gives it up: the engine hears of it in this turn. Nothing more is heard of the attempt. */
  abort(): void {
    this.#isOver = true;
    this.#reader.stop();
    this.#call?.abort();
  }

  onStatus(status: number, headers: AnswerHeaders): void {
    this.#status = status;
    this.#headers = headers;
    if (this.#isResult) this.#reader.onHeaders(headers);
  }

  onData(chunk: Buffer): void {
    const now = performance.now();
    this.#lease.lastDataAt = now;
    if (!this.#isResult) {
      this.#keepError(chunk);
      return;
    }
    try {
      this.#listener.onTokens(this.#reader.onData(chunk), now);
    } catch (error) {
      this.#fail(error);
    }
  }

  onEnd(): void {
    if (this.#isOver) return;
    if (!this.#isResult) {
      this.#endWithError();
      return;
    }
    try {
      const ended = this.#reader.onEnd();
      if (ended === undefined) this.#end({ error: undefined, outcome: 'done', again: 'no' });
      else {
        ended.then(
          () => this.#end({ error: undefined, outcome: 'done', again: 'no' }),
          (error: unknown) => this.#fail(error),
        );
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  onError(error: Error): void {
    const { code, what, mayBeStale } = describeBreak(error);
    const failure = new InferenceServerError(
      code,
      `engine ${this.#lease.engine.url.host} ${what}: ${error.message}`,
      { cause: error },
    );
    const again = mayBeStale && this.#status === 0 ? 'here' : 'elsewhere';
    this.#end({ error: failure, outcome: 'failed', again });
  }

  get #isResult(): boolean {
    return this.#status >= 200 && this.#status < 300;
  }

  #keepError(chunk: Buffer): void {
    if (this.#errorBytes >= MAX_ERROR_BYTES) return;
    this.#errorBytes += chunk.length;
    this.#errorBody.push(Buffer.from(chunk));
  }

  #endWithError(): void {
    const status = this.#status;
    const body = Buffer.concat(this.#errorBody).toString('utf8', 0, MAX_ERROR_BYTES);
    const { host } = this.#lease.engine.url;
    const error = toEngineError(host, { status, headers: this.#headers, body });
    const isBusy = isBusyStatus(status);
    const isFault = status >= 500 && status !== NOT_IMPLEMENTED;
    const outcome = isBusy ? 'refused' : isFault ? 'failed' : 'done';
    this.#end({ error, outcome, again: isBusy ? 'elsewhere' : 'no' });
  }

  #lose(why: string): void {
    const error = new InferenceServerError('UNAVAILABLE', why);
    this.#call?.abort();
    this.#end({ error, outcome: 'failed', again: 'elsewhere' });
  }

  /** The engine's answer can't be made sense of: it need not go on. */
  #fail(error: unknown): void {
    this.#call?.abort();
    this.#end({ error: InferenceServerError.from(error), outcome: 'failed', again: 'no' });
  }

  #end(end: AttemptEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#reader.stop();
    this.#listener.onEnd(end);
  }
}

/** What the error of a connection says of its engine; a stale connection is one that was closing when it was used. */
function describeBreak(error: Error): { code: StatusCode; what: string; mayBeStale: boolean } {
  if (error instanceof ConnectError) {
    return { code: 'UNAVAILABLE', what: 'could not be reached', mayBeStale: false };
  }
  if (error instanceof BadAnswerError) {
    return { code: 'INTERNAL', what: 'sent what is no answer of HTTP/1.1', mayBeStale: false };
  }
  return { code: 'INTERNAL', what: 'broke off the connection', mayBeStale: true };
}
