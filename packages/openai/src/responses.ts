/** `POST /v1/responses`: a chat completion in other words. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { InferenceServerError } from '@nereid/protocol';
import { EventStreamParser, isJsonObject, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { ConnectionAnswer, type Answer } from './answer.ts';
import { ask } from './ask.ts';
import { CHAT_COMPLETIONS } from './chat-completions.ts';
import type { ClientExchange } from './exchange.ts';
import { errorJson } from './openai-error.ts';
import type { ClientBody } from './request-body.ts';
import { ResponseEvents } from './responses-events.ts';
import { toChatBody } from './responses-request.ts';

/**
 * Asks the model for a chat completion, and answers with the response that it makes.
 *
 * @throws InferenceServerError INVALID_ARG naming a field that is wrong or not supported.
 */
export function respond(exchange: ClientExchange): void {
  const { body, connection } = exchange;
  const chat = body.translate(toChatBody);
  const request = toldFields(body);
  const answer = body.isStream
    ? new StreamedResponse(request, connection)
    : new WholeResponse(request, exchange.answer);
  ask(CHAT_COMPLETIONS, { ...exchange, body: chat, answer });
}

/** What a response repeats of its request. Images are in `input`, which it does not. */
function toldFields(body: ClientBody): JsonObject {
  const { input: _, ...fields } = body.light;
  return body.isMissingIn(fields) ? body.json : fields;
}

/** Makes a response of a whole chat completion. */
class WholeResponse implements Answer {
  readonly #events: ResponseEvents;
  readonly #answer: Answer;

  constructor(request: JsonObject, answer: Answer) {
    this.#events = new ResponseEvents(request, () => undefined);
    this.#answer = answer;
  }

  write(): void {
    this.fail(
      new InferenceServerError('INTERNAL', 'the model answered with a stream that was not asked for'),
    );
  }

  end(json: Uint8Array | string = ''): void {
    try {
      this.#events.add(parse(typeof json === 'string' ? json : Buffer.from(json).toString('utf8')));
      this.#answer.end(JSON.stringify(this.#events.finish()));
    } catch (reason) {
      this.fail(InferenceServerError.from(reason));
    }
  }

  fail(error: InferenceServerError): void {
    this.#answer.fail(error);
  }
}

/** Makes the events of a response of those of a chat completion. */
class StreamedResponse implements Answer {
  readonly #http: ConnectionAnswer;
  readonly #events: ResponseEvents;
  readonly #parser = new EventStreamParser();
  #isStarted = false;
  #isEnded = false;

  constructor(request: JsonObject, connection: HttpAnswer) {
    this.#http = new ConnectionAnswer(connection);
    this.#events = new ResponseEvents(request, (event) => {
      this.#http.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    });
  }

  write(bytes: Uint8Array | string): void {
    for (const data of this.#parser.push(typeof bytes === 'string' ? Buffer.from(bytes) : bytes)) {
      if (this.#isEnded) return;
      try {
        this.#hear(data);
      } catch (reason) {
        this.fail(InferenceServerError.from(reason));
      }
    }
  }

  end(): void {
    if (this.#isEnded) return;
    // The model's last words were not its last event.
    this.fail(new InferenceServerError('INTERNAL', 'the stream of the model ended too early'));
  }

  fail(error: InferenceServerError): void {
    if (this.#isEnded) return;
    if (!this.#isStarted) {
      this.#isEnded = true;
      this.#http.fail(error);
      return;
    }
    this.#endWith(parse(errorJson(error)));
  }

  #hear(data: string): void {
    this.#start();
    if (data === '[DONE]') {
      this.#isEnded = true;
      this.#events.finish();
      this.#http.end();
      return;
    }
    const chunk = parse(data);
    if (chunk['error'] === undefined) this.#events.add(chunk);
    else this.#endWith(chunk);
  }

  #start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#events.start();
  }

  /** @param chunk - With an `error`, as OpenAI tells it. */
  #endWith(chunk: JsonObject): void {
    this.#isEnded = true;
    const { error } = chunk;
    this.#events.fail(isJsonObject(error) ? error : chunk);
    this.#http.end();
  }
}

/** @throws InferenceServerError INTERNAL for what is no JSON object. */
function parse(text: string): JsonObject {
  let json: JsonValue;
  try {
    json = JSON.parse(text) as JsonValue;
  } catch (cause) {
    throw new InferenceServerError('INTERNAL', 'the model answered with what is no JSON', { cause });
  }
  if (isJsonObject(json)) return json;
  throw new InferenceServerError('INTERNAL', 'the model answered with JSON that is no object');
}
