/** One answer in events: tokens as they fall due, the script's fault, and the end. */
import type { Socket } from 'node:net';
import type { DueTimes } from './due-times.ts';
import type { EngineScript } from './engine-script.ts';
import type { Generation } from './generation.ts';
import { STREAM_END, STREAM_HEAD, toChunk } from './raw-http.ts';

/** Tokens that a stream without a rate writes before others have their turn. */
const BURST = 16;

export class EngineStream {
  readonly #socket: Socket;
  readonly #generation: Generation;
  readonly #script: EngineScript;
  readonly #times: DueTimes;
  readonly #onEnd: () => void;
  readonly #startedAt = performance.now();
  readonly #write = (): void => this.#writeDue();
  #next = 0;
  /** Second half of the events of the token before. */
  #half = '';

  /** @param onEnd - When the last byte was handed to the system, or its fault has come; not when its client has gone. */
  constructor(
    socket: Socket,
    generation: Generation,
    {
      script,
      times,
      onEnd,
    }: { readonly script: EngineScript; readonly times: DueTimes; readonly onEnd: () => void },
  ) {
    this.#socket = socket;
    this.#generation = generation;
    this.#script = script;
    this.#times = times;
    this.#onEnd = onEnd;
  }

  start(): void {
    const { fault, firstTokenMs = 0 } = this.#script;
    if (fault === 'slow-headers') {
      this.#times.at(performance.now() + (firstTokenMs || 1000), () => this.#begin());
    } else {
      this.#begin();
    }
  }

  #begin(): void {
    this.#socket.write(STREAM_HEAD);
    this.#wait();
  }

  /** Has the next token written when it is due. */
  #wait(): void {
    if (this.#socket.destroyed) return;
    const { tokensPerSecond = 0, firstTokenMs = 0 } = this.#script;
    const isAtOnce = this.#next === 0 && firstTokenMs === 0;
    if (!isAtOnce && (tokensPerSecond > 0 || this.#next === 0)) {
      const step = tokensPerSecond > 0 ? (this.#next * 1000) / tokensPerSecond : 0;
      this.#times.at(this.#startedAt + firstTokenMs + step, this.#write);
    } else if (this.#socket.writableNeedDrain) this.#socket.once('drain', this.#write);
    else if (this.#next === 0) this.#write();
    else setImmediate(this.#write);
  }

  #writeDue(): void {
    if (this.#socket.destroyed) return;
    const { tokensPerSecond = 0 } = this.#script;
    const burst = tokensPerSecond > 0 ? 1 : BURST;
    for (let count = 0; count < burst; count += 1) {
      if (this.#next >= this.#generation.tokens.length) {
        this.#end();
        return;
      }
      if (this.#fails()) return;
      this.#writeEvents(this.#generation.events(this.#next++));
      if (this.#socket.writableNeedDrain) break;
    }
    // The end comes with the last token, as engines send it.
    if (this.#next >= this.#generation.tokens.length) this.#end();
    else this.#wait();
  }

  #writeEvents(events: string): void {
    const middle = this.#script.halves === true ? events.length / 2 : events.length;
    this.#socket.write(toChunk(this.#half + events.slice(0, middle)));
    this.#half = events.slice(middle);
  }

  #end(): void {
    if (this.#fails()) return;
    const done = this.#script.fault === 'no-done' ? '' : 'data: [DONE]\n\n';
    const rest = this.#half + this.#generation.end() + done;
    this.#socket.write(`${rest === '' ? '' : toChunk(rest)}${STREAM_END}`);
    this.#onEnd();
  }

  /** Whether the script's fault has come, with what the client sees of it. */
  #fails(): boolean {
    const { fault, faultAfter = 2 } = this.#script;
    if (fault === undefined || this.#next < Math.min(faultAfter, this.#generation.tokens.length))
      return false;
    const events = this.#generation.events(this.#next);
    switch (fault) {
      case 'cut-mid-token':
        this.#cut(events.slice(0, events.length / 2));
        return true;
      case 'cut-mid-event':
        this.#cut(events.trimEnd());
        return true;
      case 'bad-json':
        this.#socket.write(toChunk('data: {"choices": [\n\ndata: [DONE]\n\n') + STREAM_END);
        this.#onEnd();
        return true;
      case 'silent':
        return true;
      default:
        return false;
    }
  }

  #cut(text: string): void {
    this.#onEnd();
    this.#socket.write(toChunk(text), () => this.#socket.destroy());
  }
}
