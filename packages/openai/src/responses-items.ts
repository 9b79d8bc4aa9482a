/** The parts of a response's output while they are being made. */
import { memberOf, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { newId, type OutputItem } from './responses-object.ts';

/** An event of a streamed response. */
export interface ResponseEvent extends JsonObject {
  readonly type: string;
}

/** Gets each event. */
export type EmitEvent = (event: ResponseEvent) => void;

/** An item that still grows. */
export interface OpenItem {
  /** What it is made of; deltas of another key are another item's. */
  readonly key: string;
  /** Emits its last events. */
  close(status: 'completed' | 'incomplete'): OutputItem;
}

/** What all items do at their begin and end. */
class ItemEvents {
  readonly id: string;
  readonly #emit: EmitEvent;

  constructor(id: string, emit: EmitEvent) {
    this.id = id;
    this.#emit = emit;
  }

  added(item: OutputItem): void {
    this.#emit({ type: 'response.output_item.added', item });
  }

  /** An event about the item or its only part. */
  send(type: string, fields: JsonObject): void {
    this.#emit({ type: `response.${type}`, item_id: this.id, ...fields });
  }

  done(item: OutputItem): OutputItem {
    this.#emit({ type: 'response.output_item.done', item });
    return item;
  }
}

/** What the model says. Each kind of content is a part of the message. */
export class MessageItem implements OpenItem {
  readonly key: string;
  readonly #events: ItemEvents;
  readonly #content: JsonObject[] = [];
  readonly #logprobs: JsonValue[] = [];
  #kind: 'output_text' | 'refusal' | undefined;
  #text = '';

  constructor(key: string, emit: EmitEvent) {
    this.key = key;
    this.#events = new ItemEvents(newId('msg'), emit);
    this.#events.added(this.#item('in_progress'));
  }

  addText(delta: string, logprobs: readonly JsonValue[]): void {
    this.#open('output_text');
    this.#text += delta;
    this.#logprobs.push(...logprobs);
    this.#events.send('output_text.delta', { content_index: this.#at, delta, logprobs });
  }

  addRefusal(delta: string): void {
    this.#open('refusal');
    this.#text += delta;
    this.#events.send('refusal.delta', { content_index: this.#at, delta });
  }

  close(status: 'completed' | 'incomplete'): OutputItem {
    this.#closePart();
    return this.#events.done(this.#item(status));
  }

  get #at(): number {
    return this.#content.length;
  }

  #open(kind: 'output_text' | 'refusal'): void {
    if (this.#kind === kind) return;
    this.#closePart();
    this.#kind = kind;
    this.#events.send('content_part.added', { content_index: this.#at, part: this.#part() });
  }

  #closePart(): void {
    if (this.#kind === undefined) return;
    const part = this.#part();
    const more =
      this.#kind === 'refusal'
        ? { refusal: this.#text }
        : { text: this.#text, logprobs: [...this.#logprobs] };
    this.#events.send(`${this.#kind}.done`, { content_index: this.#at, ...more });
    this.#events.send('content_part.done', { content_index: this.#at, part });
    this.#content.push(part);
    this.#kind = undefined;
    this.#text = '';
    this.#logprobs.length = 0;
  }

  #part(): JsonObject {
    return this.#kind === 'refusal'
      ? { type: 'refusal', refusal: this.#text }
      : { type: 'output_text', text: this.#text, annotations: [], logprobs: [...this.#logprobs] };
  }

  #item(status: string): OutputItem {
    return { id: this.#events.id, type: 'message', status, role: 'assistant', content: [...this.#content] };
  }
}

/** What the model thinks before it speaks. */
export class ReasoningItem implements OpenItem {
  readonly key: string;
  readonly #events: ItemEvents;
  #text = '';

  constructor(key: string, emit: EmitEvent) {
    this.key = key;
    this.#events = new ItemEvents(newId('rs'), emit);
    this.#events.added(this.#item('in_progress', []));
    this.#events.send('content_part.added', { content_index: 0, part: this.#part() });
  }

  add(delta: string): void {
    this.#text += delta;
    this.#events.send('reasoning_text.delta', { content_index: 0, delta });
  }

  close(status: 'completed' | 'incomplete'): OutputItem {
    this.#events.send('reasoning_text.done', { content_index: 0, text: this.#text });
    this.#events.send('content_part.done', { content_index: 0, part: this.#part() });
    return this.#events.done(this.#item(status, [this.#part()]));
  }

  #part(): JsonObject {
    return { type: 'reasoning_text', text: this.#text };
  }

  #item(status: string, content: readonly JsonObject[]): OutputItem {
    return { id: this.#events.id, type: 'reasoning', status, summary: [], content };
  }
}

/** A function that the model wants called. */
export class FunctionCallItem implements OpenItem {
  readonly key: string;
  readonly #emit: EmitEvent;
  #events: ItemEvents | undefined;
  #callId = newId('call');
  #name = '';
  #arguments = '';

  constructor(key: string, emit: EmitEvent) {
    this.key = key;
    this.#emit = emit;
  }

  /** Takes a delta of a tool call: name and identifier come with the first. */
  add(call: JsonObject): void {
    const { id } = call;
    if (typeof id === 'string' && id !== '') this.#callId = id;
    const name = memberOf(call['function'], 'name');
    if (typeof name === 'string' && this.#events === undefined) this.#name = name;
    const events = this.#started();
    const delta = memberOf(call['function'], 'arguments');
    if (typeof delta !== 'string' || delta === '') return;
    this.#arguments += delta;
    events.send('function_call_arguments.delta', { delta });
  }

  close(status: 'completed' | 'incomplete'): OutputItem {
    const events = this.#started();
    events.send('function_call_arguments.done', { name: this.#name, arguments: this.#arguments });
    return events.done(this.#item(events.id, status));
  }

  #started(): ItemEvents {
    if (this.#events === undefined) {
      this.#events = new ItemEvents(newId('fc'), this.#emit);
      this.#events.added(this.#item(this.#events.id, 'in_progress'));
    }
    return this.#events;
  }

  #item(id: string, status: string): OutputItem {
    return {
      id,
      type: 'function_call',
      status,
      call_id: this.#callId,
      name: this.#name,
      arguments: this.#arguments,
    };
  }
}
