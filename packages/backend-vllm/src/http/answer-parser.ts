import type { AnswerBody } from './answer-body.ts';
import { parseAnswerHead, type AnswerHead, type AnswerHeaders, type BodyEnd } from './answer-head.ts';
import { BadAnswerError, quote } from './bad-answer-error.ts';
import { ChunkedBody } from './chunked-body.ts';
import { PlainBody } from './plain-body.ts';

/** Hears of an answer as it is read. */
export interface AnswerListener {
  onStatus(status: number, headers: AnswerHeaders): void;
  /** A view of what was read: it is overwritten when this returns. */
  onData(chunk: Buffer): void;
}

const HEAD_END = '\r\n\r\n';
const MAX_HEAD_BYTES = 65_536;
const SWITCHING_PROTOCOLS = 101;

/** Reads the one answer to one request. States: head → body → done. */
export class AnswerParser {
  readonly #listener: AnswerListener;
  /** The beginning of a head whose end has not come; a copy. */
  #begun: Buffer | undefined;
  #head: AnswerHead | undefined;
  #body: AnswerBody | undefined;
  #hasSurplus = false;

  constructor(listener: AnswerListener) {
    this.#listener = listener;
  }

  /** Whether another request may follow on the connection; known when the answer is complete. */
  get keepsAlive(): boolean {
    return this.#head?.keepsAlive === true && !this.#hasSurplus;
  }

  get keepAliveSeconds(): number | undefined {
    return this.#head?.keepAliveSeconds;
  }

  /**
   * Reads on.
   *
   * @param bytes - Of the connection; they may be moved about within it.
   * @returns Whether the answer is complete.
   * @throws BadAnswerError when it is no answer of HTTP/1.1.
   */
  push(bytes: Buffer): boolean {
    let rest: Buffer | undefined = bytes;
    // Answers that only announce another one (1xx) may come first.
    while (this.#body === undefined) {
      rest = this.#takeHead(rest);
      if (rest === undefined) return false;
    }
    const body = this.#body;
    const data = body.take(rest);
    if (data.length > 0) this.#listener.onData(data);
    this.#hasSurplus = body.surplus > 0;
    return body.isDone;
  }

  /** Whether the answer is complete when its connection ends. */
  get isEndedByConnection(): boolean {
    return this.#head?.bodyEnd.kind === 'connection';
  }

  /** @returns What comes after the head; undefined: its end has not come. */
  #takeHead(bytes: Buffer): Buffer | undefined {
    const before = this.#begun;
    const all = before === undefined ? bytes : Buffer.concat([before, bytes]);
    const end = all.indexOf(HEAD_END, Math.max(0, (before?.length ?? 0) - HEAD_END.length), 'latin1');
    if (end > MAX_HEAD_BYTES || (end < 0 && all.length > MAX_HEAD_BYTES)) {
      const found = quote(all.toString('latin1', 0, 60));
      throw new BadAnswerError(`expected a head of at most ${MAX_HEAD_BYTES} bytes, found ${found} and more`);
    }
    if (end < 0) {
      this.#begun = before === undefined ? Buffer.from(all) : all;
      return undefined;
    }
    this.#begun = undefined;
    this.#onHead(parseAnswerHead(all.toString('latin1', 0, end)));
    return all.subarray(end + HEAD_END.length);
  }

  #onHead(head: AnswerHead): void {
    const { status, headers, bodyEnd } = head;
    if (status === SWITCHING_PROTOCOLS)
      throw new BadAnswerError('expected an answer, found a switch of protocols');
    if (status < 200) return;
    this.#head = head;
    this.#body = createAnswerBody(bodyEnd);
    this.#listener.onStatus(status, headers);
  }
}

function createAnswerBody(end: BodyEnd): AnswerBody {
  if (end.kind === 'chunked') return new ChunkedBody();
  return new PlainBody(end.kind === 'length' ? end.bytes : Infinity);
}
