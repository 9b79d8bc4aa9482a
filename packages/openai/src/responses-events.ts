/** The chunks of a chat → the events and the object of a response. */
import { isJsonArray, isJsonObject, memberOf, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import {
  FunctionCallItem,
  MessageItem,
  ReasoningItem,
  type EmitEvent,
  type OpenItem,
  type ResponseEvent,
} from './responses-items.ts';
import { responseObject, toResponseUsage, type OutputItem, type ResponseState } from './responses-object.ts';

const INCOMPLETE: ReadonlyMap<JsonValue | undefined, string> = new Map([
  ['length', 'max_output_tokens'],
  ['content_filter', 'content_filter'],
]);

/**
 * Makes a response of what a chat says. States: new → started → ended. One item of the output is open at a time: text
 * after a call of a function is another message.
 */
export class ResponseEvents {
  readonly #emit: EmitEvent;
  readonly #toObject: (state: ResponseState) => JsonObject;
  readonly #output: OutputItem[] = [];
  #sequence = 0;
  #open: OpenItem | undefined;
  #finishReason: JsonValue | undefined;
  #usage: JsonObject | null = null;

  /** @param request - The body, whose fields the response repeats. */
  constructor(request: JsonObject, emit: EmitEvent) {
    this.#emit = emit;
    this.#toObject = responseObject(request);
  }

  start(): void {
    for (const type of ['response.created', 'response.in_progress']) {
      this.#send({ type, response: this.#object('in_progress') });
    }
  }

  /** Takes a chunk of a stream, or a whole chat completion, whose message is a delta like any other. */
  add(chunk: JsonValue): void {
    this.#usage = toResponseUsage(memberOf(chunk, 'usage')) ?? this.#usage;
    const choices = memberOf(chunk, 'choices');
    const choice = isJsonArray(choices) ? choices[0] : undefined;
    this.#finishReason = memberOf(choice, 'finish_reason') ?? this.#finishReason;
    const delta = memberOf(choice, 'delta') ?? memberOf(choice, 'message');
    const thought = textMember(delta, 'reasoning_content') ?? textMember(delta, 'reasoning');
    if (thought !== undefined) this.#of(ReasoningItem, 'reasoning').add(thought);
    const logprobs = memberOf(memberOf(choice, 'logprobs'), 'content');
    const content = textMember(delta, 'content');
    if (content !== undefined) {
      this.#of(MessageItem, 'message').addText(content, isJsonArray(logprobs) ? logprobs : []);
    }
    const refusal = textMember(delta, 'refusal');
    if (refusal !== undefined) this.#of(MessageItem, 'message').addRefusal(refusal);
    const calls = memberOf(delta, 'tool_calls');
    if (isJsonArray(calls)) for (const [at, call] of calls.entries()) this.#addCall(call, at);
  }

  /** Ends the response. */
  finish(): JsonObject {
    const reason = INCOMPLETE.get(this.#finishReason);
    const status = reason === undefined ? 'completed' : 'incomplete';
    this.#close(status);
    const response = this.#object(status, { reason });
    this.#send({ type: `response.${status}`, response });
    return response;
  }

  fail(error: JsonObject): JsonObject {
    this.#close('incomplete');
    const message = textMember(error, 'message') ?? 'unknown error';
    const response = this.#object('failed', { error: { code: 'server_error', message } });
    this.#send({ type: 'response.failed', response });
    return response;
  }

  #addCall(call: JsonValue, at: number): void {
    const index = memberOf(call, 'index');
    const key = `call ${typeof index === 'number' ? index : at}`;
    if (isJsonObject(call)) this.#of(FunctionCallItem, key).add(call);
  }

  /** The open item if it is the one wanted, else a new one. */
  #of<I extends OpenItem>(kind: new (key: string, emit: EmitEvent) => I, key: string): I {
    const open = this.#open;
    if (open instanceof kind && open.key === key) return open;
    this.#close('completed');
    const index = this.#output.length;
    const item = new kind(key, (event) => this.#send({ ...event, output_index: index }));
    this.#open = item;
    return item;
  }

  #close(status: 'completed' | 'incomplete'): void {
    if (this.#open === undefined) return;
    this.#output.push(this.#open.close(status));
    this.#open = undefined;
  }

  #object(status: ResponseState['status'], more: Partial<ResponseState> = {}): JsonObject {
    const state = { output: this.#output, usage: this.#usage, error: null, reason: undefined };
    return this.#toObject({ ...state, ...more, status });
  }

  #send(event: ResponseEvent): void {
    this.#emit({ ...event, sequence_number: this.#sequence });
    this.#sequence += 1;
  }
}

/** A member that is a text with something in it. */
function textMember(json: JsonValue | undefined, name: string): string | undefined {
  const value = memberOf(json, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
