import { InferenceServerError } from '@nereid/protocol';
import { EventStreamParser, statusCodeOfHttp } from '@nereid/protocol/http';
import { cancelledOr, errorText, type HttpStream } from './http-connection.ts';

/**
 * The data of each event of an answer. Leaving the loop closes the connection, which cancels the request.
 *
 * @throws InferenceServerError with the server's error: that of the status, or of the first event that is one
 *   (`{"error": …}`, which carries no code: UNKNOWN).
 */
export async function* readEvents(answer: HttpStream): AsyncGenerator<string, void, undefined> {
  const parser = new EventStreamParser();
  const code = answer.status < 400 ? 'UNKNOWN' : statusCodeOfHttp(answer.status);
  const isEvents = String(answer.headers['content-type']).startsWith('text/event-stream');
  if (!isEvents) {
    const pieces: Uint8Array[] = [];
    for await (const piece of answer.pieces) pieces.push(piece);
    const body = Buffer.concat(pieces);
    if (answer.status >= 400) throw new InferenceServerError(code, errorText(answer.status, body));
    throw new InferenceServerError('INTERNAL', 'the server does not answer with events: it is no Nereid');
  }
  try {
    for await (const piece of answer.pieces) {
      for (const event of parser.push(piece)) {
        const error = errorOf(event);
        if (error !== undefined) throw new InferenceServerError(code, error);
        yield event;
      }
    }
  } catch (reason) {
    throw cancelledOr(reason, answer);
  }
}

/** The text of an event that is an error: an object of that member alone. */
function errorOf(event: string): string | undefined {
  // Cheap, as most events are no errors, and may be long.
  if (!/^\s*\{\s*"error"\s*:/.test(event)) return undefined;
  const value = JSON.parse(event) as { readonly error: unknown };
  return typeof value.error === 'string' && Object.keys(value).length === 1 ? value.error : undefined;
}
