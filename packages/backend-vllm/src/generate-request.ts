/** The inputs of Triton's vLLM backend → what an engine is asked. */
import { decodeStrings, InferenceServerError, type BackendRequest } from '@nereid/backend-sdk';
import { SERVER_KEY_PARAMETER } from './client-key.ts';
import { toDataUrl } from './image-url.ts';
import type { JsonObject } from './json.ts';
import type { Preset } from './presets.ts';
import {
  parseSamplingParameters,
  readSamplingParameters,
  type SamplingParameters,
} from './sampling-parameters.ts';

/** Which of the outputs beside the text the client asked for. */
export interface WantedOutputs {
  readonly finishReason: boolean;
  readonly cumulativeLogprob: boolean;
  readonly logprobs: boolean;
  readonly numInputTokens: boolean;
  readonly numOutputTokens: boolean;
}

/** A text to be generated. */
export interface GenerateRequest {
  readonly prompt: string;
  /** Base64, as given. */
  readonly images: readonly string[];
  readonly isStream: boolean;
  /** Whether the answer begins with the prompt. */
  readonly prependsPrompt: boolean;
  readonly wanted: WantedOutputs;
  readonly sampling: SamplingParameters;
}

/** What the model's configuration says of its requests. */
export interface GenerateOptions {
  readonly preset: Preset;
  /** Request parameters that are not meant for the engine, beside the server's own. */
  readonly ignoredParameters: RegExp | undefined;
  /** The one that says whose share of the engines a request has. */
  readonly clientKeyParameter: string | undefined;
  /** The engine takes templates from requests: model.json says so. */
  readonly trustsTemplates: boolean;
}

/** Set by `generate` and by the OpenAI endpoints. */
const SERVER_PARAMETERS: ReadonlySet<string> = new Set(['id', 'openai_path', SERVER_KEY_PARAMETER]);

/** Presets that tell in each event what was used so far; others only at the end of the stream. */
const TELLS_USAGE_ALWAYS: ReadonlySet<Preset['name']> = new Set(['vllm', 'nim', 'sglang', 'trtllm']);

/** Leaves the prompt as the client wrote it, placeholders of its images included. */
const PROMPT_ITSELF = "{{ messages[0]['content'] }}";

/** @throws InferenceServerError INVALID_ARG naming the input or parameter. */
export function readGenerateRequest(request: BackendRequest, options: GenerateOptions): GenerateRequest {
  const prompt = text(request, 'text_input');
  if (prompt === undefined) {
    throw new InferenceServerError('INVALID_ARG', "input 'text_input' is missing, and 'openai_request', too");
  }
  const images = request.input('image');
  const isStream = flag(request, 'stream') ?? false;
  const prependsPrompt = !(flag(request, 'exclude_input_in_output') ?? isStream);
  if (prependsPrompt && isStream) {
    throw new InferenceServerError(
      'INVALID_ARG',
      'When streaming, `exclude_input_in_output` = False is not allowed.',
    );
  }
  return {
    prompt,
    images: images === undefined ? [] : decodeStrings(images),
    isStream,
    prependsPrompt,
    wanted: wantedOutputs(request),
    sampling: readSamplingParameters(samplingOf(request, options), options.preset),
  };
}

/** The endpoint: images only go through chat messages. */
export function endpointOf(
  { images }: Pick<GenerateRequest, 'images'>,
  { textEndpoint }: Preset,
): Preset['textEndpoint'] {
  return images.length > 0 ? 'chat' : textEndpoint;
}

/** The body for an engine, but for `model`. */
export function toEngineBody(request: GenerateRequest, options: GenerateOptions): JsonObject {
  const { prompt, sampling, isStream } = request;
  const isChat = endpointOf(request, options.preset) === 'chat';
  return {
    ...(isChat ? chatPrompt(request, options) : { prompt }),
    ...withLogprobs(sampling.body, logprobsOf(request, options.preset), isChat),
    ...(options.preset.name === 'vllm' && vllmOnly(request)),
    stream: isStream,
    ...(isStream && { stream_options: streamOptions(request, options.preset) }),
  };
}

function samplingOf(
  request: BackendRequest,
  { ignoredParameters, clientKeyParameter }: GenerateOptions,
): Iterable<readonly [string, unknown]> {
  const given = text(request, 'sampling_parameters');
  // As in Triton: with this input the request's own parameters are not looked at.
  if (given !== undefined) return Object.entries(parseSamplingParameters(given));
  return Object.entries(request.parameters).filter(
    ([name]) =>
      !SERVER_PARAMETERS.has(name) && name !== clientKeyParameter && ignoredParameters?.test(name) !== true,
  );
}

function wantedOutputs(request: BackendRequest): WantedOutputs {
  return {
    finishReason: flag(request, 'return_finish_reason') ?? false,
    cumulativeLogprob: flag(request, 'return_cumulative_logprob') ?? false,
    logprobs: flag(request, 'return_logprobs') ?? false,
    numInputTokens: flag(request, 'return_num_input_tokens') ?? false,
    numOutputTokens: flag(request, 'return_num_output_tokens') ?? false,
  };
}

function chatPrompt(
  { prompt, images }: GenerateRequest,
  { preset, trustsTemplates }: GenerateOptions,
): JsonObject {
  if (images.length === 0) return { messages: [{ role: 'user', content: prompt }] };
  const parts = images.map((image) => ({ type: 'image_url', image_url: { url: toDataUrl(image) } }));
  const content = [{ type: 'text', text: prompt }, ...parts];
  return {
    messages: [{ role: 'user', content }],
    ...(preset.name === 'vllm' &&
      trustsTemplates && { chat_template: PROMPT_ITSELF, add_generation_prompt: false }),
  };
}

/** How many alternatives of each token must be told; undefined: no log probabilities at all. */
function logprobsOf({ sampling, wanted, isStream }: GenerateRequest, { name }: Preset): number | undefined {
  const given = sampling.body['logprobs'];
  if (typeof given === 'number') return given;
  const countsTokens = wanted.numOutputTokens && sampling.n > 1 && !isStream && name !== 'vllm';
  if (!wanted.cumulativeLogprob && !countsTokens) return undefined;
  // llama.cpp takes 0 for none at all; to the others it is the token itself.
  return name === 'llamacpp' ? 1 : 0;
}

function withLogprobs(body: JsonObject, logprobs: number | undefined, isChat: boolean): JsonObject {
  if (logprobs === undefined) return body;
  return isChat ? { ...body, logprobs: true, top_logprobs: logprobs } : { ...body, logprobs };
}

/** What vLLM alone can say: ids of tokens, which are the keys of Triton's log probabilities. */
function vllmOnly({ wanted, sampling, isStream }: GenerateRequest): JsonObject {
  return {
    ...(wanted.logprobs && { return_tokens_as_token_ids: true }),
    // Usage is that of all completions together; only their tokens tell how many each has.
    ...(wanted.numOutputTokens && sampling.n > 1 && !isStream && { return_token_ids: true }),
  };
}

/**
 * Usage at the end is always asked for: callers of the model, ensembles among them, find it in the last response. With each
 * token it makes events half as long again, for the engine and for us: only for those who ask how many tokens a response has.
 */
function streamOptions({ wanted }: GenerateRequest, { name }: Preset): JsonObject {
  const isContinuous = wanted.numOutputTokens && TELLS_USAGE_ALWAYS.has(name);
  return { include_usage: true, ...(isContinuous && { continuous_usage_stats: true }) };
}

function text(request: BackendRequest, name: string): string | undefined {
  const tensor = request.input(name);
  return tensor === undefined ? undefined : decodeStrings(tensor)[0];
}

function flag(request: BackendRequest, name: string): boolean | undefined {
  const tensor = request.input(name);
  return tensor === undefined ? undefined : tensor.data[0] !== 0;
}
