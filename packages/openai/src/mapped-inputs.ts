/** A body → the tensors and parameters of a model that is mapped. */
import type { PluginInference, PluginModel } from '@nereid/backend-sdk/http';
import { encodeBytesTensor, InferenceServerError, type InferInput, type Tensor } from '@nereid/protocol';
import {
  decodeGenerateRequest,
  isJsonArray,
  isJsonObject,
  memberOf,
  type JsonObject,
  type JsonValue,
} from '@nereid/protocol/http';
import type { Exchange } from './exchange.ts';
import { tensorOf, type MappedTensor, type ModelMapping } from './model-api.ts';
import { refusal } from './openai-error.ts';

/** What one inference is made of. */
export interface MappedRequest {
  /** Each is a row of the batch; several only for models that batch. */
  readonly texts: readonly string[];
  /** The body; of its fields those that the endpoint itself reads are `own`. */
  readonly fields: JsonObject;
  readonly own: ReadonlySet<string>;
}

/**
 * Values with which a field asks for nothing: with others a model is asked for what it can't be told. A model that has an
 * input of that name gets any.
 */
const NEUTRAL: ReadonlyMap<string, (value: JsonValue) => boolean> = new Map<
  string,
  (value: JsonValue) => boolean
>([
  ...['n', 'best_of'].map((name) => [name, (value: JsonValue) => value === 1] as const),
  ...['logprobs', 'echo'].map((name) => [name, (value: JsonValue) => value === false] as const),
  ...['tools', 'functions'].map((name) => [name, isEmptyList] as const),
  ['tool_choice', (value) => value === 'none' || value === 'auto'],
  ['response_format', (value) => memberOf(value, 'type') === 'text'],
  ['modalities', (value) => JSON.stringify(value) === '["text"]'],
  ['suffix', (value) => value === ''],
  ['dimensions', () => false],
]);

/**
 * The inference that a body asks for. A field that names an input becomes that tensor, any other scalar a parameter, as
 * in `generate`.
 *
 * @throws InferenceServerError INVALID_ARG naming a field that the model can't take.
 */
export function toInference(
  { model, parameters }: Pick<Exchange, 'model' | 'parameters'>,
  { input, output }: ModelMapping,
  { texts, fields, own }: MappedRequest,
): PluginInference {
  const members = Object.entries(fields).filter(
    ([name, value]) =>
      value !== null && name !== input.name && isForModel(model, { name, value, isOwn: own.has(name) }),
  );
  const decoded = decode(model, members);
  const isBatched = model.config.max_batch_size > 0;
  return {
    model,
    inputs: [
      textTensor(input, texts, isBatched),
      ...decoded.inputs.map((one) => repeatRows(one, isBatched ? texts.length : 1)),
    ],
    outputs: wantedOutputs(model, output),
    id: decoded.id,
    parameters: { ...decoded.parameters, ...parameters },
  };
}

interface Field {
  readonly name: string;
  readonly value: JsonValue;
  readonly isOwn: boolean;
}

/** @throws InferenceServerError INVALID_ARG when the field asks for what a model is not told of. */
function isForModel(model: PluginModel, { name, value, isOwn }: Field): boolean {
  if (inputOf(model, name) !== undefined) return true;
  if (isOwn) return false;
  const isNeutral = NEUTRAL.get(name);
  if (isNeutral?.(value) === true) return false;
  const isStructure = isJsonArray(value) || isJsonObject(value);
  if (isNeutral === undefined && !isStructure) return true;
  throw refusal(`model '${model.name}' does not take '${name}': it has no input of that name`, {
    param: name,
  });
}

interface DecodedFields {
  readonly id: string;
  readonly inputs: readonly InferInput[];
  readonly parameters: PluginInference['parameters'];
}

const NOTHING: DecodedFields = { id: '', inputs: [], parameters: undefined };

function decode(model: PluginModel, members: readonly (readonly [string, JsonValue])[]): DecodedFields {
  if (members.length === 0) return NOTHING;
  const inputs = model.config.input.flatMap(({ name, dims }) => {
    const datatype = inputOf(model, name)?.datatype;
    const shape = model.config.max_batch_size > 0 ? [1, ...dims] : dims;
    return datatype === undefined ? [] : [{ name, datatype, shape }];
  });
  const json = Object.fromEntries(members.map(([name, value]) => [name, toInputValue(model, name, value)]));
  try {
    const options = { modelName: model.name, modelVersion: '', inputs };
    return decodeGenerateRequest(Buffer.from(JSON.stringify(json)), options);
  } catch (reason) {
    throw refusal(`model '${model.name}': ${InferenceServerError.from(reason).message}`, {});
  }
}

/** Text inputs get any value: what is no text as its JSON. */
function toInputValue(model: PluginModel, name: string, value: JsonValue): JsonValue {
  if (inputOf(model, name)?.datatype !== 'BYTES' || typeof value === 'string') return value;
  const isTexts = isJsonArray(value) && value.every((element) => typeof element === 'string');
  return isTexts ? value : JSON.stringify(value);
}

function inputOf({ config }: PluginModel, name: string): MappedTensor | undefined {
  return tensorOf(config.input, name);
}

function textTensor({ name, dims }: MappedTensor, texts: readonly string[], isBatched: boolean): Tensor {
  const row = dims.map((dim) => (dim < 0 ? 1 : dim));
  const shape = isBatched ? [texts.length, ...row] : row;
  return { name, datatype: 'BYTES', shape, data: encodeBytesTensor(texts) };
}

function repeatRows({ name, datatype, shape, data = new Uint8Array(0) }: InferInput, rows: number): Tensor {
  if (rows === 1) return { name, datatype, shape, data };
  const repeated = Buffer.concat(Array.from({ length: rows }, () => data));
  return { name, datatype, shape: [rows, ...shape.slice(1)], data: repeated };
}

/** Outputs that say more of an answer than its text; `num_…` as the vLLM backend has them. */
export const FINISH_REASON = 'finish_reason';
export const INPUT_TOKENS = 'num_input_tokens';
export const OUTPUT_TOKENS = 'num_output_tokens';

function wantedOutputs({ config }: PluginModel, output: MappedTensor): readonly string[] {
  const more = [FINISH_REASON, INPUT_TOKENS, OUTPUT_TOKENS];
  return [
    output.name,
    ...more.filter((name) => name !== output.name && tensorOf(config.output, name) !== undefined),
  ];
}

function isEmptyList(value: JsonValue): boolean {
  return isJsonArray(value) && value.length === 0;
}
