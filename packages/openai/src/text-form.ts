/** How the texts of a model are written: as chat completions, or as completions. */
import { randomUUID } from 'node:crypto';
import type { TokenUsage } from './mapped-outputs.ts';
import { unixTime } from './unix-time.ts';

/** A text that is complete. */
export interface FinishedText {
  readonly text: string;
  /** `stop`, `length`, … */
  readonly finishReason: string;
}

/** The JSON objects of one answer, whole or streamed. */
export interface TextForm {
  /** The event before the first text of a choice; undefined when there is none. */
  start(index: number): object | undefined;
  delta(index: number, text: string): object;
  finish(index: number, reason: string): object;
  /** The event after all others, for a client that wants it. */
  usage(usage: TokenUsage): object;
  whole(texts: readonly FinishedText[], usage: TokenUsage): object;
}

export interface TextFormOptions {
  /** The model as the client named it. */
  readonly model: string;
  /** Whether the stream ends with an event that holds the usage; in the others it is null then. */
  readonly includeUsage: boolean;
}

/** `chat.completion` and its chunks. */
export function chatForm({ model, includeUsage }: TextFormOptions): TextForm {
  const head = { id: `chatcmpl-${randomUUID()}`, created: unixTime(), model };
  const chunk = (choices: readonly object[], usage: object | null = null): object => ({
    ...head,
    object: 'chat.completion.chunk',
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const delta = (index: number, change: object, reason: string | null = null): object =>
    chunk([{ index, delta: change, logprobs: null, finish_reason: reason }]);
  return {
    start: (index) => delta(index, { role: 'assistant', content: '' }),
    delta: (index, text) => delta(index, { content: text }),
    finish: (index, reason) => delta(index, {}, reason),
    usage: (usage) => chunk([], usageJson(usage)),
    whole: (texts, usage) => ({
      ...head,
      object: 'chat.completion',
      choices: texts.map(({ text, finishReason }, index) => ({
        index,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: finishReason,
      })),
      usage: usageJson(usage),
    }),
  };
}

/** `text_completion`, which is also what its chunks are called. */
export function completionForm({ model, includeUsage }: TextFormOptions): TextForm {
  const head = { id: `cmpl-${randomUUID()}`, object: 'text_completion', created: unixTime(), model };
  const chunk = (choices: readonly object[], usage: object | null = null): object => ({
    ...head,
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const choice = (index: number, text: string, reason: string | null = null): object => ({
    index,
    text,
    logprobs: null,
    finish_reason: reason,
  });
  return {
    start: () => undefined,
    delta: (index, text) => chunk([choice(index, text)]),
    finish: (index, reason) => chunk([choice(index, '', reason)]),
    usage: (usage) => chunk([], usageJson(usage)),
    whole: (texts, usage) => ({
      ...head,
      choices: texts.map(({ text, finishReason }, index) => choice(index, text, finishReason)),
      usage: usageJson(usage),
    }),
  };
}

function usageJson({ prompt, completion }: TokenUsage): object {
  return { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion };
}
