import { InferenceServerError, type BackendRequest, type Tensor } from '@nereid/backend-sdk';
import type { AnswerReader, TokenUsage } from './answer-reader.ts';
import type { AnswerHeaders } from './http/answer-head.ts';
import { StreamTail } from './stream-tail.ts';
import { countEvents, WholeEvents } from './whole-events.ts';

const LENGTH_BYTES = 4;
const SHAPE = [1];
const DONE = 'data: [DONE]';

const PROMPT_TOKENS = /"prompt_tokens":\s*(\d+)/;
const COMPLETION_TOKENS = /"completion_tokens":\s*(\d+)/;

/**
 * Passes on what an engine answers, as bytes. Of a stream the events that come together are a response; nothing in them is
 * looked at but where they end. Anything else is one response.
 */
export class OpenAiRelay implements AnswerReader {
  readonly #client: BackendRequest;
  /** Of a stream, its end so far: the last event, and where usage is. */
  readonly #tail = new StreamTail();
  readonly #events = new WholeEvents();
  /** Of another answer: all of it. */
  readonly #kept: Buffer[] = [];
  #isStream = false;
  #hasAnswered = false;
  #isStopped = false;

  constructor(client: BackendRequest) {
    this.#client = client;
  }

  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** Only what the end of the answer says: in streams, when the client asked for usage. */
  get usage(): TokenUsage {
    const tail = this.#isStream ? this.#tail.text() : lastText(this.#kept);
    const usage = tail.slice(Math.max(0, tail.lastIndexOf('"usage"')));
    return { promptTokens: find(PROMPT_TOKENS, usage), completionTokens: find(COMPLETION_TOKENS, usage) };
  }

  onHeaders(headers: AnswerHeaders): void {
    this.#isStream = (headers.get('content-type') ?? '').startsWith('text/event-stream');
  }

  onData(chunk: Buffer): number {
    if (!this.#isStream) {
      this.#kept.push(Buffer.from(chunk));
      return 0;
    }
    const events = this.#events.push(chunk);
    if (events.length === 0) return 0;
    this.#pass(events);
    return countEvents(events);
  }

  onEnd(): void {
    if (this.#isStopped) return;
    if (this.#isStream) this.#endStream();
    else this.#client.send({ outputs: [responseTensor(frame(this.#kept))] }, true);
  }

  stop(): void {
    this.#isStopped = true;
  }

  #pass(bytes: Buffer): void {
    const data = Buffer.allocUnsafe(LENGTH_BYTES + bytes.length);
    data.writeUInt32LE(bytes.length, 0);
    bytes.copy(data, LENGTH_BYTES);
    this.#tail.push(data.subarray(LENGTH_BYTES));
    this.#hasAnswered = true;
    this.#client.send({ outputs: [responseTensor(data)] }, false);
  }

  /** @throws InferenceServerError INTERNAL when the engine did not say that this was all. */
  #endStream(): void {
    const { rest } = this.#events;
    // Half an event is not passed on then: the error would go unread behind it.
    if (!`${this.#tail.text()}${rest.toString('latin1')}`.includes(DONE)) {
      throw new InferenceServerError('INTERNAL', 'the engine ended the stream before [DONE]');
    }
    if (rest.length > 0) this.#pass(rest);
    this.#client.complete();
  }
}

function responseTensor(data: Buffer): Tensor {
  return { name: 'openai_response', datatype: 'BYTES', shape: SHAPE, data };
}

/** The only element of a BYTES tensor: its length and the bytes. */
function frame(chunks: readonly Buffer[]): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32LE(
    chunks.reduce((sum, chunk) => sum + chunk.length, 0),
    0,
  );
  return Buffer.concat([length, ...chunks]);
}

/** The end of an answer, where usage is. */
function lastText(chunks: readonly Buffer[]): string {
  const tail = new StreamTail();
  for (const chunk of chunks) tail.push(chunk);
  return tail.text();
}

function find(pattern: RegExp, text: string): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
