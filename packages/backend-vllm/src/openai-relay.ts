import { InferenceServerError, type BackendRequest, type Tensor } from '@nereid/backend-sdk';
import type { AnswerReader, TokenUsage } from './answer-reader.ts';
import type { EngineHeaders } from './engine-client.ts';

const LENGTH_BYTES = 4;
const SHAPE = [1];
const EVENT_END = Buffer.from('\n\n');
const DONE = Buffer.from('data: [DONE]');
/** Of the end of an answer: the last event, and where usage is. */
const TAIL_BYTES = 1024;

const PROMPT_TOKENS = /"prompt_tokens":\s*(\d+)/;
const COMPLETION_TOKENS = /"completion_tokens":\s*(\d+)/;

/**
 * Passes on what an engine answers, as bytes. Of a stream each piece, as it comes, is a response; nothing in it is looked
 * at but where events end. Anything else is one response.
 */
export class OpenAiRelay implements AnswerReader {
  readonly #client: BackendRequest;
  /** Of a stream: its end so far. Of another answer: all of it. */
  #kept: Buffer[] = [];
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
    const tail = this.#tail().toString('latin1');
    const usage = tail.slice(Math.max(0, tail.lastIndexOf('"usage"')));
    return { promptTokens: find(PROMPT_TOKENS, usage), completionTokens: find(COMPLETION_TOKENS, usage) };
  }

  onHeaders(headers: EngineHeaders): void {
    this.#isStream = String(headers['content-type'] ?? '').startsWith('text/event-stream');
  }

  onData(chunk: Buffer): number {
    if (!this.#isStream) {
      this.#kept.push(Buffer.from(chunk));
      return 0;
    }
    const data = Buffer.allocUnsafe(LENGTH_BYTES + chunk.length);
    data.writeUInt32LE(chunk.length, 0);
    chunk.copy(data, LENGTH_BYTES);
    this.#keepTail(data);
    this.#hasAnswered = true;
    this.#client.send({ outputs: [responseTensor(data)] }, false);
    return countEvents(chunk);
  }

  onEnd(): void {
    if (this.#isStopped) return;
    if (this.#isStream) this.#endStream();
    else this.#client.send({ outputs: [responseTensor(frame(this.#kept))] }, true);
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** @throws InferenceServerError INTERNAL when the engine did not say that this was all. */
  #endStream(): void {
    if (this.#tail().lastIndexOf(DONE) < 0) {
      throw new InferenceServerError('INTERNAL', 'the engine ended the stream before [DONE]');
    }
    this.#client.complete();
  }

  #keepTail(framed: Buffer): void {
    this.#kept.push(framed.subarray(LENGTH_BYTES));
    let bytes = 0;
    for (let index = this.#kept.length - 1; index >= 0; index -= 1) {
      if (bytes >= TAIL_BYTES) {
        this.#kept.splice(0, index + 1);
        return;
      }
      bytes += this.#kept[index]?.length ?? 0;
    }
  }

  #tail(): Buffer {
    const bytes = Buffer.concat(this.#kept);
    return bytes.length > TAIL_BYTES ? bytes.subarray(-TAIL_BYTES) : bytes;
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

/** JSON has no line feed of its own in its texts, so two of them are always the end of an event. */
function countEvents(chunk: Buffer): number {
  let count = 0;
  for (let at = chunk.indexOf(EVENT_END); at >= 0; at = chunk.indexOf(EVENT_END, at + EVENT_END.length))
    count += 1;
  return count;
}

function find(pattern: RegExp, text: string): number | undefined {
  const digits = pattern.exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
