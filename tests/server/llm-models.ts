import type { ModelFiles } from './make-repository.ts';

/** What may be said of a model of the vLLM backend whose engines run already. */
export interface LlmModel {
  /** URLs of its engines. */
  readonly engines: readonly string[];
  /** Default: vllm */
  readonly preset?: string;
  /** The name by which the engines know it. Default: scripted */
  readonly engineModel?: string;
  /** Names of LoRA adapters. Default: none. */
  readonly adapters?: readonly string[];
  /** More lines of the configuration. */
  readonly more?: string;
}

/** The files of a model on engines that run already. */
export function llmModel(model: LlmModel): ModelFiles {
  const { engines, preset = 'vllm', engineModel = 'scripted', adapters, more = '' } = model;
  const parameters = { engine: preset, engine_url: engines.join(), engine_model: engineModel };
  const lines = Object.entries(parameters).map(
    ([key, value]) => `parameters { key: "${key}" value { string_value: "${value}" } }`,
  );
  return {
    'config.pbtxt': `backend: "vllm"\n${lines.join('\n')}\n${more}\n`,
    '1/.keep': '',
    ...(adapters !== undefined && {
      '1/multi_lora.json': JSON.stringify(
        Object.fromEntries(adapters.map((name) => [name, `/lora/${name}`])),
      ),
    }),
  };
}

/** Asks a model through the generate extension. */
export function generate(
  http: string,
  body: Readonly<Record<string, unknown>>,
  {
    model = 'llm',
    isStream = false,
    signal,
  }: { model?: string; isStream?: boolean; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(`${http}/v2/models/${model}/generate${isStream ? '_stream' : ''}`, {
    method: 'POST',
    body: JSON.stringify(body),
    signal: signal ?? null,
  });
}

/** The JSON of a stream's events. */
export async function eventsOf(answer: Response): Promise<Record<string, unknown>[]> {
  const text = await answer.text();
  return text
    .split('\n\n')
    .filter((event) => event !== '')
    .map((event) => JSON.parse(event.slice('data: '.length)) as Record<string, unknown>);
}
