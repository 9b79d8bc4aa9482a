/** Log probabilities, from either of OpenAI's forms (completions, chat) to that of Triton's vLLM backend. */
import { isObject, numberOf, objectsOf, stringOf, type JsonObject } from './json.ts';

/** A token that was generated, or could have been. */
export interface TokenLogprob {
  /** undefined: the engine tells only texts. */
  readonly id: number | undefined;
  /** undefined: the engine tells only ids. */
  readonly text: string | undefined;
  readonly logprob: number;
}

/** A generated token, and what could have been in its place. */
export interface TokenStep {
  readonly chosen: TokenLogprob;
  /** The likeliest ones, the chosen one perhaps among them. */
  readonly top: readonly TokenLogprob[];
}

/** How vLLM writes tokens with `return_tokens_as_token_ids`. */
const TOKEN_ID = /^token_id:(\d+)$/;

/** The steps that `logprobs` of a choice tells; none when it is null or absent. */
export function readLogprobs(logprobs: unknown): readonly TokenStep[] {
  if (!isObject(logprobs)) return [];
  // llama.cpp has the chat form for completions, too.
  if (Array.isArray(logprobs['content'])) return objectsOf(logprobs['content']).map(readChatStep);
  return readCompletionSteps(logprobs);
}

/** Ids of tokens whose text the engine did not tell. */
export function idsWithoutText(steps: readonly TokenStep[]): number[] {
  const ids = steps.flatMap(({ chosen, top }) => [chosen, ...top]);
  return ids.flatMap(({ id, text }) => (id !== undefined && text === undefined ? [id] : []));
}

/**
 * Triton's JSON: for each token an object of its alternatives by id (by text where the engine tells no ids), with
 * `logprob`, `rank` (null: not among the likeliest ones that were asked for) and `decoded_token`. The chosen one stands
 * first, as readers of Triton's count on: so it is text, as objects of JavaScript put numbers in their own order.
 *
 * @param asked - How many of the likeliest tokens were asked for.
 */
export function toTritonLogprobs(
  steps: readonly TokenStep[],
  asked: number,
  textOf: (id: number) => string | undefined,
): string {
  return `[${steps.map((step) => stepJson(step, asked, textOf)).join(',')}]`;
}

function stepJson(
  { chosen, top }: TokenStep,
  asked: number,
  textOf: (id: number) => string | undefined,
): string {
  const key = keyOf(chosen);
  const ranked = top.toSorted((a, b) => b.logprob - a.logprob);
  const tokens = [chosen, ...ranked.filter((token) => keyOf(token) !== key)];
  const members = tokens.map((token) => {
    const at = ranked.findIndex((other) => keyOf(other) === keyOf(token));
    const text = token.text ?? (token.id === undefined ? undefined : textOf(token.id));
    const rank = at >= 0 && at < asked ? at + 1 : null;
    const value = { logprob: token.logprob, rank, decoded_token: text ?? null };
    return `${JSON.stringify(keyOf(token))}:${JSON.stringify(value)}`;
  });
  return `{${members.join(',')}}`;
}

function keyOf({ id, text }: TokenLogprob): string {
  return id === undefined ? (text ?? '') : String(id);
}

function readChatStep(step: JsonObject): TokenStep {
  return { chosen: readChatToken(step), top: objectsOf(step['top_logprobs']).map(readChatToken) };
}

function readChatToken(token: JsonObject): TokenLogprob {
  const read = readToken(stringOf(token['token']) ?? '', numberOf(token['logprob']) ?? 0);
  const id = numberOf(token['id']);
  return id === undefined ? read : { ...read, id };
}

function readCompletionSteps(logprobs: JsonObject): TokenStep[] {
  const tokens = Array.isArray(logprobs['tokens']) ? logprobs['tokens'] : [];
  const values = Array.isArray(logprobs['token_logprobs']) ? logprobs['token_logprobs'] : [];
  const tops = Array.isArray(logprobs['top_logprobs']) ? logprobs['top_logprobs'] : [];
  return tokens.map((token: unknown, index) => {
    const top: unknown = tops[index];
    const alternatives = isObject(top) ? Object.entries(top) : [];
    return {
      chosen: readToken(String(token), numberOf(values[index]) ?? 0),
      top: alternatives.map(([text, logprob]) => readToken(text, numberOf(logprob) ?? 0)),
    };
  });
}

function readToken(token: string, logprob: number): TokenLogprob {
  const id = TOKEN_ID.exec(token)?.[1];
  return id === undefined
    ? { id: undefined, text: token, logprob }
    : { id: Number(id), text: undefined, logprob };
}
