import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SseTarget } from '../load/sse-connection.ts';
import { addModel } from './model-repository.ts';

/** Name of the model, here and to its engine: no body has to be changed on its way. */
export const LANGUAGE_MODEL = 'llm';

/** How a stream is asked for. */
export type LanguageApi = 'OpenAI chat' | 'generate_stream';

/** Adds a model whose engine runs elsewhere. */
export function addLanguageModel(repository: string, engineUrl: string, maxConcurrent: number): void {
  const parameters = { engine_url: engineUrl, max_concurrent_requests: String(maxConcurrent) };
  const lines = Object.entries(parameters).map(
    ([key, value]) => `parameters { key: "${key}" value { string_value: "${value}" } }\n`,
  );
  const version = addModel(repository, LANGUAGE_MODEL, `backend: "vllm"\n${lines.join('')}`);
  writeFileSync(join(version, 'model.json'), JSON.stringify({ model: LANGUAGE_MODEL }));
}

/** A stream of so many tokens through Nereid. */
export function streamTarget(httpUrl: string, api: LanguageApi, tokens: number): SseTarget {
  if (api === 'OpenAI chat') return chatTarget(httpUrl, tokens);
  return {
    url: `${httpUrl}/v2/models/${LANGUAGE_MODEL}/generate_stream`,
    body: JSON.stringify({ text_input: PROMPT, stream: true, max_tokens: tokens }),
  };
}

/** The same from the engine itself. */
export function directTarget(engineUrl: string, api: LanguageApi, tokens: number): SseTarget {
  if (api === 'OpenAI chat') return chatTarget(engineUrl, tokens);
  return {
    url: `${engineUrl}/v1/completions`,
    body: JSON.stringify({ model: LANGUAGE_MODEL, prompt: PROMPT, stream: true, max_tokens: tokens }),
  };
}

const PROMPT = 'Tell me of the fifty daughters of Nereus.';

function chatTarget(url: string, tokens: number): SseTarget {
  const messages = [{ role: 'user', content: PROMPT }];
  return {
    url: `${url}/v1/chat/completions`,
    body: JSON.stringify({ model: LANGUAGE_MODEL, messages, stream: true, max_tokens: tokens }),
  };
}
