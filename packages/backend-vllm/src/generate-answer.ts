import { InferenceServerError, type BackendRequest, type BackendResponse } from '@nereid/backend-sdk';
import type { AnswerReader, TokenUsage } from './answer-reader.ts';
import type { Engine } from './engine.ts';
import { EventSplitter } from './event-splitter.ts';
import type { GenerateRequest } from './generate-request.ts';
import { GenerateResponses, type GenerateNews } from './generate-response.ts';
import { tryParseJson } from './json.ts';
import type { TokenTexts } from './token-texts.ts';

/** What reading an answer takes. */
export interface GenerateAnswerParts {
  readonly request: GenerateRequest;
  /** Who asked. */
  readonly client: BackendRequest;
  readonly engine: Engine;
  readonly texts: TokenTexts;
}

const DONE = '[DONE]';

/**
 * Reads a stream of completions: a response for each event. The last one waits for the end of the stream, so that it is
 * the final response and knows what was used.
 *
 * Events whose tokens' texts are not known yet wait for them, and those behind wait for their turn.
 */
export class GenerateStreamAnswer implements AnswerReader {
  readonly #parts: GenerateAnswerParts;
  readonly #events = new EventSplitter();
  readonly #responses: GenerateResponses;
  #last: GenerateNews | undefined;
  /** While events wait for texts: resolves when they were sent. */
  #waiting: Promise<void> | undefined;
  #hasAnswered = false;
  #isDone = false;
  #isStopped = false;

  constructor(parts: GenerateAnswerParts) {
    this.#parts = parts;
    this.#responses = new GenerateResponses(parts.request, (id) => parts.texts.get(id));
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  get usage(): TokenUsage {
    return this.#responses.usage;
  }

  onHeaders(): void {
    // Events come whatever the engine calls them.
  }

  onData(chunk: Buffer): number {
    let tokens = 0;
    for (const payload of this.#events.push(chunk)) {
      if (payload === DONE) this.#isDone = true;
      else if (this.#read(payload)) tokens += 1;
    }
    return tokens;
  }

  onEnd(): void | Promise<void> {
    if (this.#waiting !== undefined) return this.#waiting.then(() => this.#finish());
    return this.#finish();
  }

  stop(): void {
    this.#isStopped = true;
  }

  #read(payload: string): boolean {
    const event = tryParseJson(payload);
    if (event === undefined) throw badJson(payload);
    const news = this.#responses.read(event);
    if (news === undefined) return false;
    const previous = this.#last;
    this.#last = undefined;
    if (previous !== undefined) this.#pass(previous);
    if (this.#responses.isFinished) this.#last = news;
    else this.#pass(news);
    return true;
  }

  #pass(news: GenerateNews): void {
    if (this.#waiting === undefined && news.unknownTokens.length === 0) {
      this.#send(news);
      return;
    }
    const { texts, engine } = this.#parts;
    const turn = this.#waiting ?? Promise.resolve();
    this.#waiting = turn.then(() => texts.load(news.unknownTokens, engine)).then(() => this.#send(news));
    // What is thrown is told by `onEnd`, which all streams come to.
    this.#waiting.catch(() => undefined);
  }

  #send(news: GenerateNews): void {
    if (this.#isStopped) return;
    this.#hasAnswered = true;
    this.#parts.client.send({ outputs: this.#responses.respond(news) }, false);
  }

  #finish(): void | Promise<void> {
    if (this.#isStopped) return undefined;
    if (!this.#isDone && !this.#responses.isFinished) throw brokenStream();
    const last = this.#last;
    if (last === undefined) {
      this.#parts.client.complete();
      return undefined;
    }
    if (last.unknownTokens.length === 0) return this.#sendLast(last);
    return this.#parts.texts.load(last.unknownTokens, this.#parts.engine).then(() => this.#sendLast(last));
  }

  #sendLast(news: GenerateNews): void {
    if (!this.#isStopped) sendFinal(this.#parts.client, this.#responses, news);
  }
}

/** Reads a whole answer: one response, with all that was generated. */
export class GenerateWholeAnswer implements AnswerReader {
  readonly #parts: GenerateAnswerParts;
  readonly #chunks: Buffer[] = [];
  readonly #responses: GenerateResponses;
  #isStopped = false;

  constructor(parts: GenerateAnswerParts) {
    this.#parts = parts;
    this.#responses = new GenerateResponses(parts.request, (id) => parts.texts.get(id));
  }

  readonly hasAnswered = false;

  get usage(): TokenUsage {
    return this.#responses.usage;
  }

  onHeaders(): void {
    // JSON, whatever the engine calls it.
  }

  onData(chunk: Buffer): number {
    this.#chunks.push(Buffer.from(chunk));
    return 0;
  }

  onEnd(): void | Promise<void> {
    const text = Buffer.concat(this.#chunks).toString();
    const answer = tryParseJson(text);
    if (answer === undefined) throw badJson(text);
    const news = this.#responses.read(answer);
    if (news === undefined) throw badJson(text);
    if (news.unknownTokens.length === 0) return this.#send(news);
    return this.#parts.texts.load(news.unknownTokens, this.#parts.engine).then(() => this.#send(news));
  }

  stop(): void {
    this.#isStopped = true;
  }

  #send(news: GenerateNews): void {
    if (!this.#isStopped) sendFinal(this.#parts.client, this.#responses, news);
  }
}

function sendFinal(client: BackendRequest, responses: GenerateResponses, news: GenerateNews): void {
  const response: BackendResponse = responses.lastResponse(responses.respond(news));
  client.send(response, true);
}

function badJson(text: string): InferenceServerError {
  const found = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  return new InferenceServerError(
    'INTERNAL',
    `expected a completion as JSON from the engine, found '${found}'`,
  );
}

function brokenStream(): InferenceServerError {
  return new InferenceServerError(
    'INTERNAL',
    'the engine ended the stream before the completion was finished',
  );
}
