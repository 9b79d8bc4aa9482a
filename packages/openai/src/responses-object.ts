/** The object that `POST /v1/responses` answers with, at each state of its making. */
import { randomUUID } from 'node:crypto';
import { memberOf, type JsonObject, type JsonValue } from '@nereid/protocol/http';
import { unixTime } from './unix-time.ts';

/** A part of what a response says: a message, a call of a function, or thoughts. */
export type OutputItem = Record<string, JsonValue>;

/** How far a response is. */
export interface ResponseState {
  readonly status: 'in_progress' | 'completed' | 'incomplete' | 'failed';
  readonly output: readonly OutputItem[];
  readonly usage: JsonObject | null;
  readonly error: JsonObject | null;
  /** Why it is incomplete. */
  readonly reason: string | undefined;
}

/** Fields of the request that an answer repeats, and what they are when the request has none. */
const REPEATED: ReadonlyMap<string, JsonValue> = new Map<string, JsonValue>([
  ['instructions', null],
  ['max_output_tokens', null],
  ['max_tool_calls', null],
  ['metadata', {}],
  ['parallel_tool_calls', true],
  ['prompt_cache_key', null],
  ['reasoning', { effort: null, summary: null }],
  ['safety_identifier', null],
  ['service_tier', 'default'],
  ['temperature', null],
  ['text', { format: { type: 'text' } }],
  ['tool_choice', 'auto'],
  ['tools', []],
  ['top_logprobs', 0],
  ['top_p', null],
  ['user', null],
]);

/** An identifier as OpenAI's, with its prefix: `msg_…`. */
export function newId(prefix: string): string {
  return `${prefix}_${randomUUID().replaceAll('-', '')}`;
}

/** @returns What makes the response's object of a state. */
export function responseObject(request: JsonObject): (state: ResponseState) => JsonObject {
  const head = { id: newId('resp'), object: 'response', created_at: unixTime() };
  const repeated = Object.fromEntries([...REPEATED].map(([name, absent]) => [name, request[name] ?? absent]));
  return ({ status, output, usage, error, reason }) => ({
    ...head,
    status,
    background: false,
    completed_at: status === 'completed' ? unixTime() : null,
    error,
    incomplete_details: reason === undefined ? null : { reason },
    model: request['model'] ?? '',
    output: [...output],
    previous_response_id: null,
    // Nothing is kept.
    store: false,
    truncation: 'disabled',
    usage,
    ...repeated,
  });
}

/** The usage of a chat in a response's words. */
export function toResponseUsage(usage: JsonValue | undefined): JsonObject | null {
  if (memberOf(usage, 'prompt_tokens') === undefined) return null;
  const count = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 0);
  const [input, output] = ['prompt_tokens', 'completion_tokens'].map((name) => count(memberOf(usage, name)));
  const detail = (of: string, name: string): number => count(memberOf(memberOf(usage, of), name));
  return {
    input_tokens: input ?? 0,
    input_tokens_details: { cached_tokens: detail('prompt_tokens_details', 'cached_tokens') },
    output_tokens: output ?? 0,
    output_tokens_details: { reasoning_tokens: detail('completion_tokens_details', 'reasoning_tokens') },
    total_tokens: (input ?? 0) + (output ?? 0),
  };
}
