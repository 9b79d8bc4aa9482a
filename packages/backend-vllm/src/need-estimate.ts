/** What a request will cost, before it is sent: only for waiting lists and balance. */
import { isObject, objectsOf } from './json.ts';

/** Of English text in common vocabularies. */
const BYTES_PER_TOKEN = 4;
/** A picture of 336 × 336 in the usual patches of 14 × 14. */
export const TOKENS_PER_IMAGE = 576;
/** Until it is known what is usual, of requests that set no limit. */
const USUAL_OUTPUT = 256;
/** No request can come to more. Beyond what doubles can add up, one absurd limit would spoil the sum of all that wait. */
const MOST_TOKENS = 2 ** 31;

/** A prompt, as a list of what may be shared with other prompts up to its end. */
export interface PromptParts {
  readonly texts: readonly string[];
  readonly images: number;
}

/** Tokens of a text, about. */
export function tokensOf(texts: readonly string[]): number {
  let bytes = 0;
  for (const text of texts) bytes += text.length;
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** Input and output, in tokens. */
export function estimateTokens(
  { texts, images }: PromptParts,
  maxTokens: number | undefined,
  n: number,
): number {
  // What a client writes is the engine's to refuse: here it must only not count as less than nothing.
  const output = Math.max(0, maxTokens ?? USUAL_OUTPUT) * Math.max(1, n);
  return Math.min(MOST_TOKENS, Math.ceil(tokensOf(texts) + images * TOKENS_PER_IMAGE + output));
}

/** The texts and images of a body of OpenAI's: of messages, a prompt, or what is to be embedded. */
export function promptParts(body: Readonly<Record<string, unknown>>): PromptParts {
  const messages = objectsOf(body['messages']);
  if (messages.length > 0) return joinParts(messages.map(messageParts));
  const prompt = body['prompt'] ?? body['input'];
  return { texts: promptTexts(prompt), images: 0 };
}

/** A text, a list of texts, a list of tokens, or a list of such lists. */
function promptTexts(prompt: unknown): readonly string[] {
  if (typeof prompt === 'string') return [prompt];
  if (!Array.isArray(prompt)) return [];
  const parts: readonly unknown[] = prompt;
  if (parts.every((part) => typeof part === 'number')) return [parts.join(' ')];
  return parts.map((part) => (Array.isArray(part) ? part.join(' ') : String(part)));
}

function messageParts({ role, content }: Readonly<Record<string, unknown>>): PromptParts {
  const speaker = typeof role === 'string' ? role : '';
  if (typeof content === 'string') return { texts: [`${speaker}:${content}`], images: 0 };
  const parts = objectsOf(content);
  const texts = parts.map((part) => (typeof part['text'] === 'string' ? part['text'] : ''));
  return {
    texts: [`${speaker}:${texts.join('')}`],
    images: parts.filter((part) => isObject(part['image_url'])).length,
  };
}

function joinParts(parts: readonly PromptParts[]): PromptParts {
  return {
    texts: parts.flatMap(({ texts }) => texts),
    images: parts.reduce((sum, { images }) => sum + images, 0),
  };
}
