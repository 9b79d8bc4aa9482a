/** vLLM's sampling parameters, as Triton's backend takes them, for the body of a request to an engine. */
import { didYouMean, InferenceServerError } from '@nereid/backend-sdk';
import { isObject, type JsonObject } from './json.ts';
import type { Preset } from './presets.ts';

type Kind = 'integer' | 'number' | 'boolean' | 'json';

/** Of OpenAI's own: any engine takes them. */
const OPENAI: ReadonlyMap<string, Kind> = mapOf({
  n: 'integer',
  presence_penalty: 'number',
  frequency_penalty: 'number',
  temperature: 'number',
  top_p: 'number',
  seed: 'integer',
  stop: 'json',
  max_tokens: 'integer',
  logprobs: 'integer',
  logit_bias: 'json',
});

/** What presets may take beside these; a name that is not here is sent as it was given. */
const FURTHER: ReadonlyMap<string, Kind> = mapOf({
  repetition_penalty: 'number',
  repeat_penalty: 'number',
  top_k: 'integer',
  min_p: 'number',
  stop_token_ids: 'json',
  bad_words: 'json',
  ignore_eos: 'boolean',
  min_tokens: 'integer',
  prompt_logprobs: 'integer',
  skip_special_tokens: 'boolean',
  spaces_between_special_tokens: 'boolean',
  include_stop_str_in_output: 'boolean',
  truncate_prompt_tokens: 'integer',
  allowed_token_ids: 'json',
  structured_outputs: 'json',
  vllm_xargs: 'json',
  json_schema: 'json',
  cache_prompt: 'boolean',
});

/** Names of `SamplingParams` that the HTTP endpoints of vLLM have another one for. */
const RENAMED: ReadonlyMap<string, string> = mapOf({
  guided_decoding: 'structured_outputs',
  extra_args: 'vllm_xargs',
});

/** Of `SamplingParams`, but nothing that a request over HTTP can say. */
const IMPOSSIBLE: ReadonlyMap<string, string> = mapOf({
  detokenize: 'the output is text',
  output_kind: "'stream' says it",
  best_of: 'vLLM has it no more',
});

/** `vllm serve` would take what it leaves open from the model's generation_config.json; Triton's backend does not. */
const VLLM_DEFAULTS: JsonObject = {
  temperature: 1,
  top_p: 1,
  top_k: 0,
  min_p: 0,
  repetition_penalty: 1,
  max_tokens: 16,
};

const LORA_NAME = 'lora_name';

/** vLLM's own limit. Something is kept for each completion before the engine has a say. */
const MAX_COMPLETIONS = 16_384;

/** What sampling parameters ask for. */
export interface SamplingParameters {
  /** Members of the body. */
  readonly body: JsonObject;
  /** Completions of the prompt. */
  readonly n: number;
  /** Tokens of each at most; undefined: the engine's own limit. */
  readonly maxTokens: number | undefined;
  readonly loraName: string | undefined;
}

/**
 * Reads sampling parameters. Text is taken for the number or truth value it stands for, as request parameters are often
 * text. Unlike vLLM's HTTP endpoints, and like Triton, a name that the engine does not know is an error.
 *
 * @throws InferenceServerError INVALID_ARG naming the parameter.
 */
export function readSamplingParameters(
  given: Iterable<readonly [name: string, value: unknown]>,
  preset: Preset,
): SamplingParameters {
  const body: Record<string, unknown> = preset.name === 'vllm' ? { ...VLLM_DEFAULTS } : {};
  let loraName: string | undefined;
  for (const [name, value] of given) {
    if (name === LORA_NAME) loraName = String(value);
    else if (value !== null) body[bodyName(name, preset)] = coerce(name, value);
  }
  const n = typeof body['n'] === 'number' ? body['n'] : 1;
  if (n < 1 || n > MAX_COMPLETIONS) throw wrongValue('n', `an integer from 1 to ${MAX_COMPLETIONS}`, n);
  const maxTokens = typeof body['max_tokens'] === 'number' ? body['max_tokens'] : undefined;
  return { body, n, maxTokens, loraName };
}

/**
 * The parameters of `sampling_parameters`.
 *
 * @throws InferenceServerError INVALID_ARG when the text is no JSON object.
 */
export function parseSamplingParameters(text: string): JsonObject {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(
      `input 'sampling_parameters': expected a JSON object, found '${text.slice(0, 100)}'`,
      cause,
    );
  }
  if (isObject(json)) return json;
  throw invalid(`input 'sampling_parameters': expected a JSON object, found ${text.slice(0, 100)}`);
}

/** Names come from clients: of an object they would find what all objects have. */
function mapOf<T>(entries: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(entries));
}

function bodyName(name: string, preset: Preset): string {
  const renamed = RENAMED.get(name) ?? name;
  if (OPENAI.has(renamed) || preset.sampling.has(renamed)) return renamed;
  const reason = IMPOSSIBLE.get(name);
  if (reason !== undefined) throw invalid(`sampling parameter '${name}' can't be given: ${reason}`);
  if (FURTHER.has(renamed)) {
    throw invalid(`sampling parameter '${name}' is not one of the engine's (preset '${preset.name}')`);
  }
  const known = [...OPENAI.keys(), ...preset.sampling, LORA_NAME];
  throw invalid(`sampling parameter '${name}' is unknown${didYouMean(name, known)}`);
}

function coerce(name: string, value: unknown): unknown {
  const renamed = RENAMED.get(name) ?? name;
  const kind = OPENAI.get(renamed) ?? FURTHER.get(renamed);
  switch (kind) {
    case 'integer':
      return toInteger(name, value);
    case 'number':
      return toNumber(name, value);
    case 'boolean':
      return toBoolean(name, value);
    case 'json':
      return toJson(renamed, value);
    default:
      // A name that only its preset knows.
      return typeof value === 'bigint' ? Number(value) : value;
  }
}

function toInteger(name: string, value: unknown): number {
  const number = toNumber(name, value, 'an integer');
  if (Number.isSafeInteger(number)) return number;
  throw wrongValue(name, 'an integer', value);
}

function toNumber(name: string, value: unknown, expected = 'a number'): number {
  const isText = typeof value === 'string' && value.trim() !== '';
  const number =
    isText || typeof value === 'bigint' || typeof value === 'number' ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return number;
  throw wrongValue(name, expected, value);
}

function toBoolean(name: string, value: unknown): boolean {
  const text = String(value).toLowerCase();
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw wrongValue(name, 'true or false', value);
}

/** Triton takes what is an object or a list as JSON text within the JSON; `stop` and a grammar may be text themselves. */
function toJson(name: string, value: unknown): unknown {
  if (typeof value !== 'string' || !/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch (cause) {
    if (name === 'stop' || name === 'json_schema') return value;
    throw invalid(`sampling parameter '${name}': expected JSON, found '${value.slice(0, 100)}'`, cause);
  }
}

function wrongValue(name: string, expected: string, found: unknown): InferenceServerError {
  return invalid(`sampling parameter '${name}': expected ${expected}, found '${String(found)}'`);
}

function invalid(message: string, cause?: unknown): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message, { cause });
}
