/** Writing the answer to a request. */
import { type HttpAnswer, StreamedAnswer } from '@nereid/backend-sdk/http';
import type { InferenceServerError } from '@nereid/protocol';
import { errorJson, sendOpenAiError } from './openai-error.ts';

/** Where an answer goes: either events, or one JSON body. */
export interface Answer {
  /** Bytes of an event stream, cut anywhere. */
  write(bytes: Uint8Array | string): void;
  /** Ends the event stream; with `json` that is the whole answer. */
  end(json?: Uint8Array | string): void;
  /** Ends with an error: with its status, or as the last event of a stream that has begun. */
  fail(error: InferenceServerError): void;
}

const LINE_FEED = 0x0a;

const EVENTS = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' };

/** Answers a connection with what comes, as it comes. What comes after its client has gone is let go. */
export class ConnectionAnswer implements Answer {
  readonly #response: HttpAnswer;
  readonly #stream: StreamedAnswer;
  /** Whether what was written ends a line, so that another event can begin. */
  #endsLine = true;

  constructor(response: HttpAnswer) {
    this.#response = response;
    this.#stream = new StreamedAnswer(response);
  }

  write(bytes: Uint8Array | string): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (!this.#stream.hasBegun) this.#stream.begin(200, EVENTS);
    this.#stream.write(bytes);
    this.#endsLine = bytes.at(-1) === (typeof bytes === 'string' ? '\n' : LINE_FEED);
  }

  end(json?: Uint8Array | string): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (json !== undefined) {
      sendJsonText(response, json);
      return;
    }
    if (!this.#stream.hasBegun) this.#stream.begin(200, EVENTS);
    this.#stream.end();
  }

  fail(error: InferenceServerError): void {
    const response = this.#response;
    if (response.destroyed) return;
    if (!response.headersSent) {
      sendOpenAiError(response, error);
      return;
    }
    // No `[DONE]` follows: by that clients tell a broken stream from a complete one. After half an event there is no way to
    // tell them anything, but they notice when the connection breaks.
    if (this.#endsLine) this.#stream.end(`\ndata: ${errorJson(error)}\n\n`);
    else response.socket?.destroySoon();
  }
}

/** Answers 200 with JSON. */
export function sendJsonText(response: HttpAnswer, json: Uint8Array | string): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(json) });
  response.end(json);
}
