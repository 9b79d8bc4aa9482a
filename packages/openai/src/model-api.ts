/** What a model does with OpenAI requests, by its configuration. */
import type { Logger } from '@nereid/backend-sdk';
import type { PluginModel } from '@nereid/backend-sdk/http';
import { fromConfigDatatype, InferenceServerError, type Datatype } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { refusal } from './openai-error.ts';

/** The tensors of a model that takes and answers bodies whole. */
export const REQUEST_INPUT = 'openai_request';
export const RESPONSE_OUTPUT = 'openai_response';

/** What `openai_api` may name. */
const APIS = ['chat', 'completions', 'embeddings'] as const;
export type OpenAiApi = (typeof APIS)[number];

const FORMATS = ['text', 'messages'] as const;

/** A model whose configuration says which of its tensors is what. */
export interface ModelMapping {
  readonly apis: readonly OpenAiApi[];
  /** Gets the text. */
  readonly input: MappedTensor;
  /** Has the text, or the vectors. */
  readonly output: MappedTensor;
  /** What of a chat the input gets: the last user's text, or all messages as JSON. */
  readonly format: (typeof FORMATS)[number];
}

export interface MappedTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Without the batch dimension. */
  readonly dims: readonly number[];
}

export type ModelApi =
  | { readonly kind: 'relay' }
  | { readonly kind: 'mapped'; readonly mapping: ModelMapping }
  /** Why it takes none. */
  | { readonly kind: 'none'; readonly error: InferenceServerError };

const RELAY: ModelApi = { kind: 'relay' };
const TEXT: readonly Datatype[] = ['BYTES'];
const VECTORS: readonly Datatype[] = ['FP32', 'FP16', 'FP64'];

/** Looks at each configuration once. */
export class ModelApis {
  readonly #known = new WeakMap<ModelConfig, ModelApi>();
  readonly #logger: Logger;

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** What a model takes. A declaration that is wrong is also logged, the first time. */
  of({ config }: PluginModel): ModelApi {
    const known = this.#known.get(config);
    if (known !== undefined) return known;
    const api = readModelApi(config);
    this.#known.set(config, api);
    if (api.kind === 'none' && isDeclared(config)) this.#logger.warning(api.error.message);
    return api;
  }
}

/** What the configuration of a model says. */
export function readModelApi(config: ModelConfig): ModelApi {
  if (
    tensorOf(config.input, REQUEST_INPUT) !== undefined &&
    tensorOf(config.output, RESPONSE_OUTPUT) !== undefined
  )
    return RELAY;
  try {
    return { kind: 'mapped', mapping: readMapping(config) };
  } catch (reason) {
    return { kind: 'none', error: InferenceServerError.from(reason) };
  }
}

function isDeclared({ parameters }: ModelConfig): boolean {
  return parameters['openai_api'] !== undefined;
}

/** @throws InferenceServerError INVALID_ARG naming the model and the parameter. */
function readMapping(config: ModelConfig): ModelMapping {
  if (!isDeclared(config)) {
    throw refusal(
      `model '${config.name}' takes no OpenAI requests: it has neither an input 'openai_request' and an output ` +
        `'openai_response' nor a parameter 'openai_api'`,
      { param: 'model' },
    );
  }
  const apis = readApis(config);
  const isText = apis.some((api) => api !== 'embeddings');
  if (isText && apis.includes('embeddings')) {
    throw wrongParameter(config, 'openai_api', `'embeddings' alone or without it, found both`);
  }
  return {
    apis,
    input: readTensor(config, 'openai_input', config.input, TEXT),
    output: readTensor(config, 'openai_output', config.output, isText ? TEXT : VECTORS),
    format: readFormat(config),
  };
}

function readApis(config: ModelConfig): readonly OpenAiApi[] {
  const names = parameterOf(config, 'openai_api')
    .split(',')
    .map((name) => name.trim());
  return names.map((name) => {
    const api = APIS.find((known) => known === name);
    if (api === undefined) throw wrongParameter(config, 'openai_api', `${APIS.join(', ')}, found '${name}'`);
    return api;
  });
}

function readFormat(config: ModelConfig): ModelMapping['format'] {
  const text = config.parameters['openai_format']?.string_value ?? 'text';
  const format = FORMATS.find((known) => known === text);
  if (format === undefined)
    throw wrongParameter(config, 'openai_format', `${FORMATS.join(' or ')}, found '${text}'`);
  return format;
}

type ConfigTensor = Pick<ModelConfig['input'][number], 'name' | 'data_type' | 'dims'>;

function readTensor(
  config: ModelConfig,
  key: string,
  tensors: readonly ConfigTensor[],
  datatypes: readonly Datatype[],
): MappedTensor {
  const name = parameterOf(config, key);
  const tensor = tensorOf(tensors, name);
  const names = tensors.map((one) => one.name).join(', ');
  if (tensor === undefined) throw wrongParameter(config, key, `one of ${names}, found '${name}'`);
  if (datatypes.includes(tensor.datatype)) return tensor;
  const expected = `a tensor of ${datatypes.join(', ')}`;
  throw wrongParameter(config, key, `${expected}, found '${name}' of ${tensor.datatype}`);
}

/** A tensor of the configuration. */
export function tensorOf(tensors: readonly ConfigTensor[], name: string): MappedTensor | undefined {
  const tensor = tensors.find((one) => one.name === name);
  const datatype = tensor === undefined ? undefined : fromConfigDatatype(tensor.data_type);
  if (tensor === undefined || datatype === undefined) return undefined;
  return { name, datatype, dims: tensor.dims };
}

function parameterOf(config: ModelConfig, key: string): string {
  const value = config.parameters[key]?.string_value;
  if (value === undefined || value === '') throw wrongParameter(config, key, 'a value, found none');
  return value;
}

function wrongParameter({ name }: ModelConfig, key: string, what: string): InferenceServerError {
  return refusal(`model '${name}', parameter '${key}': expected ${what}`, { param: 'model' });
}
