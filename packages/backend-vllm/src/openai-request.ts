/** A request of OpenAI's API, as bytes: it reaches the engine as the client wrote it. */
import {
  decodeBytesTensor,
  InferenceServerError,
  withoutImages,
  type BackendRequest,
} from '@nereid/backend-sdk';
import type { AnswerReader, EngineRequest } from './answer-reader.ts';
import type { Engine } from './engine.ts';
import { isObject, numberOf, tryParseJson } from './json.ts';
import { renameModel } from './model-rename.ts';
import { estimateTokens, promptParts, type PromptParts } from './need-estimate.ts';
import { OpenAiRelay } from './openai-relay.ts';
import { hashPrefixes } from './prefix-affinity.ts';

const PATHS: readonly string[] = ['/v1/chat/completions', '/v1/completions', '/v1/embeddings'];

/** Whose model name a request has, and whether that has to become the engine's. */
interface OpenAiBody {
  readonly bytes: Buffer;
  readonly model: string | undefined;
  readonly parts: PromptParts;
  readonly tokens: number;
}

/**
 * Reads the request in `openai_request`.
 *
 * @throws InferenceServerError INVALID_ARG when it is no JSON object, or the parameter `openai_path` no known path.
 */
export function readOpenAiRequest(client: BackendRequest, loraName: string | undefined): EngineRequest {
  const path = client.parameters['openai_path'] ?? PATHS[0];
  if (typeof path !== 'string' || !PATHS.includes(path)) {
    const message = `parameter 'openai_path': expected one of ${PATHS.join(', ')}, found '${String(path)}'`;
    throw new InferenceServerError('INVALID_ARG', message);
  }
  const body = readBody(client);
  return {
    path,
    tokens: body.tokens,
    prefixes: () => hashPrefixes(body.parts.texts),
    bodyFor: (engine) => bodyFor(engine, body, loraName),
    open: (): AnswerReader => new OpenAiRelay(client),
    describe: (error) => error,
  };
}

function bodyFor(
  { modelName }: Engine,
  { bytes, model }: OpenAiBody,
  loraName: string | undefined,
): readonly Buffer[] {
  const wanted = loraName ?? modelName;
  return model === wanted ? [bytes] : renameModel(bytes, wanted);
}

function readBody(client: BackendRequest): OpenAiBody {
  const tensor = client.input('openai_request');
  const [view] = tensor === undefined ? [] : decodeBytesTensor(tensor.data);
  // The tensor's memory is another's once `execute` has returned, and this is sent later.
  const bytes = Buffer.from(view ?? []);
  const json = tryParseJson(withoutImages(bytes).toString());
  if (!isObject(json)) {
    const found = bytes.toString('utf8', 0, 100);
    throw new InferenceServerError(
      'INVALID_ARG',
      `input 'openai_request': expected a JSON object, found '${found}'`,
    );
  }
  const parts = promptParts(json);
  const maxTokens = numberOf(json['max_completion_tokens']) ?? numberOf(json['max_tokens']);
  const { model } = json;
  return {
    bytes,
    model: typeof model === 'string' ? model : undefined,
    parts,
    tokens: estimateTokens(parts, maxTokens, numberOf(json['n']) ?? 1),
  };
}
