/** Answering with `text/event-stream`: one event for each response of a model. */
import { StreamedAnswer, type HttpAnswer } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import type { ErrorJson } from '@nereid/protocol/http';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import { tellRetryAfter } from './error-handler.ts';

const HEAD = { 'Content-Type': 'text/event-stream; charset=utf-8', 'Cache-Control': 'no-cache' };

/** Whether a client takes events. */
export function acceptsEvents(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('text/event-stream') ?? false;
}

/** How responses become events. */
export interface EventOptions {
  /** The JSON of a response without an error. */
  readonly encode: (response: InferenceResponse) => string;
  /** The status of an answer whose first event is an error. */
  readonly statusOf: (error: InferenceServerError) => number;
}

/**
 * A handler that writes an event for each response, an error as `{"error": …}`. The status is that of the first
 * event; the end of the body marks the end: a final flag without a response makes no event.
 */
export function eventHandler(answer: HttpAnswer, { encode, statusOf }: EventOptions): ResponseHandler {
  const stream = new StreamedAnswer(answer);
  const start = (status: number): void => {
    if (!stream.hasBegun) stream.begin(status, HEAD);
  };
  const send = (json: string, status: number): void => {
    start(status);
    stream.write(`data: ${json}\n\n`);
  };
  return (response, final) => {
    if (answer.destroyed) return;
    if (response !== undefined) {
      try {
        if (response.error !== undefined) throw response.error;
        send(encode(response), 200);
      } catch (reason) {
        const error = InferenceServerError.from(reason);
        if (!stream.hasBegun) tellRetryAfter(answer, error);
        send(stringifyError(error.message), statusOf(error));
      }
    }
    if (!final) return;
    start(200);
    stream.end();
  };
}

/** The JSON that says what went wrong. */
export function stringifyError(message: string): string {
  const body: ErrorJson = { error: message };
  return JSON.stringify(body);
}
