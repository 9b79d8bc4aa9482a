import { InferenceServerError, type BackendRequest } from '@nereid/backend-sdk';
import type { EngineRequest } from './answer-reader.ts';
import { GenerateStreamAnswer, GenerateWholeAnswer } from './generate-answer.ts';
import { endpointOf, readGenerateRequest, toEngineBody, type GenerateOptions } from './generate-request.ts';
import { estimateTokens } from './need-estimate.ts';
import { hashPrefixes } from './prefix-affinity.ts';
import type { TokenTexts } from './token-texts.ts';

const PATHS = { completions: '/v1/completions', chat: '/v1/chat/completions' } as const;

/** What requests for text share in a model. */
export interface TextModel extends GenerateOptions {
  readonly texts: TokenTexts;
  /**
   * The name under which the engine has an adapter.
   *
   * @throws InferenceServerError INVALID_ARG when there is none of that name.
   */
  resolveLora(name: string): string;
}

/**
 * Reads the inputs of Triton's vLLM backend.
 *
 * @throws InferenceServerError INVALID_ARG naming the input or parameter, in Triton's words.
 */
export function readTextRequest(client: BackendRequest, model: TextModel): EngineRequest {
  const request = asTriton(() => readGenerateRequest(client, model));
  const { sampling, images, prompt } = request;
  const lora = sampling.loraName === undefined ? undefined : model.resolveLora(sampling.loraName);
  // Without the braces, so that the model's name of each engine goes in front.
  const members = JSON.stringify(toEngineBody(request, model)).slice(1);
  const Answer = request.isStream ? GenerateStreamAnswer : GenerateWholeAnswer;
  return {
    path: PATHS[endpointOf(request, model.preset)],
    tokens: estimateTokens({ texts: [prompt], images: images.length }, sampling.maxTokens, sampling.n),
    prefixes: () => hashPrefixes([`user:${prompt}`]),
    bodyFor: ({ modelName }) => [Buffer.from(`{"model":${JSON.stringify(lora ?? modelName)},${members}`)],
    open: (engine) => new Answer({ request, client, engine, texts: model.texts }),
    describe: inTritonsWords,
  };
}

function asTriton<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw inTritonsWords(InferenceServerError.from(error));
  }
}

/** Only an engine that is busy has a say in the HTTP status: `generate` answers all other errors with 400. */
function inTritonsWords(error: InferenceServerError): InferenceServerError {
  const { code, message, http } = error;
  return new InferenceServerError(code, `Error generating stream: ${message}`, {
    cause: error,
    ...(code === 'UNAVAILABLE' &&
      http !== undefined && {
        http: {
          ...(http.status !== undefined && { status: http.status }),
          ...(http.retryAfterSeconds !== undefined && { retryAfterSeconds: http.retryAfterSeconds }),
        },
      }),
  });
}
