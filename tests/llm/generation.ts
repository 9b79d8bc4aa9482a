/** What a scripted engine answers to one request: its tokens, and how they are written in OpenAI's forms. */
import type { EngineScript, InferencePath } from './engine-script.ts';
import { instanceOf } from './json-schema-instance.ts';

/** The fields of a request that a scripted engine honours. */
export interface GenerationRequest {
  readonly model?: string;
  readonly prompt?: string | readonly string[];
  readonly messages?: readonly { readonly role: string; readonly content: unknown }[];
  readonly stream?: boolean;
  readonly max_tokens?: number | null;
  readonly max_completion_tokens?: number | null;
  readonly n?: number | null;
  readonly stop?: string | readonly string[] | null;
  readonly logprobs?: number | boolean | null;
  readonly top_logprobs?: number | null;
  readonly return_tokens_as_token_ids?: boolean;
  readonly stream_options?: {
    readonly include_usage?: boolean;
    readonly continuous_usage_stats?: boolean;
  } | null;
  readonly tools?: readonly { readonly function: { readonly name: string; readonly parameters?: unknown } }[];
  readonly tool_choice?: string | { readonly function?: { readonly name: string } };
  readonly response_format?: {
    readonly type: string;
    readonly json_schema?: { readonly schema?: unknown };
  } | null;
}

/** How a token is said: as text, as reasoning, or as a part of a call's arguments. */
type TokenKind = 'text' | 'reasoning' | 'call';

interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const DEFAULT_TOKENS = 16;
/** A token's text is replaced by the time it is sent at. */
const STAMP = '<time>';
const PIECE_LENGTH = 6;

/** The answer to one request. */
export class Generation {
  readonly model: string;
  readonly isStream: boolean;
  readonly tokens: readonly Token[];
  readonly #request: GenerationRequest;
  readonly #isChat: boolean;
  readonly #head: Readonly<Record<string, unknown>>;
  readonly #choices: number;
  readonly #finishReason: string;
  readonly #isStamped: boolean;
  readonly #call: string | undefined;
  readonly #promptTokens: number;
  /** A plain event around the text of its token. */
  readonly #plain: readonly [before: string, after: string] | undefined;

  constructor(path: InferencePath, request: GenerationRequest, script: EngineScript, number: number) {
    this.#request = request;
    this.#isChat = path === '/v1/chat/completions';
    this.model = request.model ?? 'scripted';
    this.isStream = request.stream === true;
    this.#isStamped = script.stampsTokens === true;
    this.#choices = request.n ?? 1;
    this.#call = calledTool(request);
    const { tokens, finishReason } = planTokens(request, script);
    this.tokens = tokens;
    this.#finishReason = this.#call === undefined ? finishReason : 'tool_calls';
    this.#promptTokens = countWords(promptOf(request));
    const kind = this.#isChat ? 'chat.completion' : 'text_completion';
    this.#head = {
      id: `${this.#isChat ? 'chatcmpl' : 'cmpl'}-${String(number)}`,
      object: this.#isChat && this.isStream ? `${kind}.chunk` : kind,
      created: 1_700_000_000,
      model: this.model,
    };
    this.#plain = this.#isPlain() ? this.#plainEvent() : undefined;
  }

  get usage(): Readonly<Record<string, number>> {
    return this.#usageAfter(this.tokens.length);
  }

  /** The events of a token of a stream. */
  events(index: number): string {
    const isLast = index === this.tokens.length - 1;
    const start = index === 0 ? this.#start() : '';
    const token = this.#tokenAt(index);
    if (this.#plain !== undefined && !isLast && token.kind === 'text')
      return `${start}${this.#plain[0]}${escaped(token.text)}${this.#plain[1]}`;
    const choices = Array.from({ length: this.#choices }, (_, choice) =>
      this.#event([this.#choice({ choice, token, index, isLast })], index + 1),
    );
    return start + choices.join('');
  }

  /** What follows the last token. */
  end(): string {
    const { stream_options: options } = this.#request;
    const usage =
      options?.include_usage === true ? data({ ...this.#head, choices: [], usage: this.usage }) : '';
    const nothing = this.tokens.length === 0 ? this.#start() + this.#event([this.#emptyChoice()], 0) : '';
    return nothing + usage;
  }

  /** The body of an answer that is no stream. */
  whole(): string {
    const choices = Array.from({ length: this.#choices }, (_, choice) => this.#wholeChoice(choice));
    return JSON.stringify({ ...this.#head, choices, usage: this.usage });
  }

  #tokenAt(index: number): Token {
    const token = this.tokens[index] ?? { kind: 'text', text: '' };
    return this.#isStamped ? { ...token, text: `${String(process.hrtime.bigint())} ` } : token;
  }

  #isPlain(): boolean {
    const { logprobs, stream_options: options } = this.#request;
    const hasLogprobs = logprobs !== undefined && logprobs !== null && logprobs !== false;
    return this.#choices === 1 && !hasLogprobs && options?.continuous_usage_stats !== true;
  }

  #plainEvent(): readonly [string, string] {
    const token: Token = { kind: 'text', text: STAMP };
    const [before = '', after = ''] = this.#event(
      [this.#choice({ choice: 0, token, index: 0, isLast: false })],
      0,
    ).split(STAMP);
    return [before, after];
  }

  /** A chat begins with who speaks, and a call with what is called. */
  #start(): string {
    if (!this.#isChat) return '';
    const events = Array.from({ length: this.#choices }, (_, index) => {
      const delta = { role: 'assistant', content: '' };
      const called = this.#call && { tool_calls: [{ index: 0, ...toolCall(this.#call, '') }] };
      const start = this.#event([{ index, delta, logprobs: null, finish_reason: null }], 0);
      return called === undefined || called === ''
        ? start
        : start + this.#event([{ index, delta: called, logprobs: null, finish_reason: null }], 0);
    });
    return events.join('');
  }

  #event(choices: readonly unknown[], tokensSoFar: number): string {
    const usage = this.#request.stream_options?.continuous_usage_stats === true;
    return data({ ...this.#head, choices, ...(usage && { usage: this.#usageAfter(tokensSoFar) }) });
  }

  #emptyChoice(): unknown {
    const end = { index: 0, logprobs: null, finish_reason: this.#finishReason };
    return this.#isChat ? { ...end, delta: {} } : { ...end, text: '' };
  }

  #choice(at: {
    readonly choice: number;
    readonly token: Token;
    readonly index: number;
    readonly isLast: boolean;
  }): unknown {
    const end = {
      index: at.choice,
      logprobs: this.#logprobs([{ token: at.token, index: at.index }]),
      finish_reason: at.isLast ? this.#finishReason : null,
    };
    return this.#isChat ? { ...end, delta: deltaOf(at.token) } : { ...end, text: at.token.text };
  }

  #wholeChoice(index: number): unknown {
    const textOf = (kind: TokenKind): string =>
      this.tokens.map((token, at) => (token.kind === kind ? this.#tokenAt(at).text : '')).join('');
    const end = {
      index,
      logprobs: this.#logprobs(this.tokens.map((token, at) => ({ token, index: at }))),
      finish_reason: this.#finishReason,
    };
    if (!this.#isChat) return { ...end, text: textOf('text') };
    const reasoning = textOf('reasoning');
    const message = {
      role: 'assistant',
      content: this.#call === undefined ? textOf('text') : null,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
      ...(this.#call !== undefined && { tool_calls: [toolCall(this.#call, textOf('call'))] }),
    };
    return { ...end, message };
  }

  /** The log probability of token i is -(i + 1) / 8, which single precision holds exactly. */
  #logprobs(tokens: readonly { readonly token: Token; readonly index: number }[]): unknown {
    const { logprobs, top_logprobs: top, return_tokens_as_token_ids: asIds } = this.#request;
    if (logprobs === undefined || logprobs === null || logprobs === false) return null;
    const nameOf = (token: Token, id: number): string =>
      asIds === true ? `token_id:${String(id)}` : token.text;
    const entries = tokens.map(({ token, index }) => ({
      token: nameOf(token, index),
      other: asIds === true ? `token_id:${String(index + 1000)}` : `other_${String(index)} `,
      logprob: -(index + 1) / 8,
    }));
    if (this.#isChat) {
      const content = entries.map(({ token, logprob, other }) => ({
        token,
        logprob,
        bytes: [...Buffer.from(token)],
        top_logprobs: [token, other]
          .slice(0, top ?? 0)
          .map((name, rank) => ({ token: name, logprob: logprob - rank, bytes: [...Buffer.from(name)] })),
      }));
      return { content };
    }
    return {
      text_offset: entries.map((_, at) => at),
      token_logprobs: entries.map(({ logprob }) => logprob),
      tokens: entries.map(({ token }) => token),
      top_logprobs: entries.map(({ token, logprob, other }) =>
        Object.fromEntries(
          [token, other].slice(0, Number(logprobs)).map((name, rank) => [name, logprob - rank]),
        ),
      ),
    };
  }

  #usageAfter(tokens: number): Readonly<Record<string, number>> {
    const completion = tokens * this.#choices;
    return {
      prompt_tokens: this.#promptTokens,
      completion_tokens: completion,
      total_tokens: this.#promptTokens + completion,
    };
  }
}

function planTokens(
  request: GenerationRequest,
  script: EngineScript,
): { readonly tokens: readonly Token[]; readonly finishReason: string } {
  const limit = request.max_tokens ?? request.max_completion_tokens ?? DEFAULT_TOKENS;
  const reasoning = Array.from({ length: script.reasoningTokens ?? 0 }, (_, index) => ({
    kind: 'reasoning' as const,
    text: `thought_${String(index)} `,
  }));
  const said = fixedText(request, script);
  if (said !== undefined) return { tokens: [...reasoning, ...said], finishReason: 'stop' };
  const word = script.signsTokens === true ? `${process.pid}.${firstWord(promptOf(request))}.` : 'word_';
  const words = Array.from({ length: script.tokens ?? limit }, (_, index) => ({
    kind: 'text' as const,
    text: `${word}${String(index)} `,
  }));
  const stops = [request.stop ?? []].flat();
  const end = words.findIndex(({ text }) => stops.some((stop) => text.includes(stop)));
  const isStopped = end >= 0;
  const finishReason = isStopped || script.tokens !== undefined ? 'stop' : 'length';
  return { tokens: [...reasoning, ...(isStopped ? words.slice(0, end) : words)], finishReason };
}

/** What is said whatever the number of tokens asked for: a call, JSON of a schema, or the script's text. */
function fixedText(request: GenerationRequest, script: EngineScript): readonly Token[] | undefined {
  const called = calledTool(request);
  if (called !== undefined) {
    const tool = request.tools?.find(({ function: { name } }) => name === called);
    return pieces('call', JSON.stringify(instanceOf(tool?.function.parameters)));
  }
  const { type, json_schema: schema } = request.response_format ?? { type: 'text' };
  if (type !== 'text') return pieces('text', JSON.stringify(instanceOf(schema?.schema)));
  const words = script.text?.match(/\S+\s*/g);
  return words?.map((text) => ({ kind: 'text', text }));
}

/** The tool that must be called, if one must. */
function calledTool({ tools, tool_choice: choice }: GenerationRequest): string | undefined {
  if (choice === 'required') return tools?.[0]?.function.name;
  return typeof choice === 'object' ? choice.function?.name : undefined;
}

function toolCall(name: string, parameters: string): object {
  return { id: 'call_1', type: 'function', function: { name, arguments: parameters } };
}

function deltaOf({ kind, text }: Token): unknown {
  if (kind === 'call') return { tool_calls: [{ index: 0, function: { arguments: text } }] };
  return kind === 'reasoning' ? { reasoning_content: text } : { content: text };
}

function pieces(kind: TokenKind, text: string): readonly Token[] {
  const count = Math.ceil(text.length / PIECE_LENGTH);
  return Array.from({ length: count }, (_, index) => ({
    kind,
    text: text.slice(index * PIECE_LENGTH, (index + 1) * PIECE_LENGTH),
  }));
}

function promptOf({ prompt, messages = [] }: GenerationRequest): string {
  if (prompt !== undefined) return [prompt].flat().join(' ');
  return messages
    .map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content)))
    .join(' ');
}

function firstWord(text: string): string {
  return /\S+/.exec(text)?.[0] ?? '';
}

/** How many tokens a text has, to a scripted engine. */
export function countWords(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

function data(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** A text as it stands within a JSON string. */
function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
