/** The flat JSON object of `generate` and `generate_stream` → InferRequestMessage. */
import type { Datatype } from '../datatype.ts';
import type { InferInput, InferRequestMessage, ParameterValue } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { elementCount, shapeToString } from '../shape.ts';
import { decodeJsonData, flattenLeaves } from './decode-json-data.ts';
import { isJsonArray, isJsonObject, memberOf, toStringValue } from './json-member.ts';
import { parseGenerateJson } from './parse-infer-json.ts';
import type { JsonObject, JsonValue } from './parse-json.ts';
import { toCustomParameter } from './request-parameters.ts';

/** An input of the model, as the keys of a generate request are mapped to it. */
export interface GenerateInput {
  readonly name: string;
  readonly datatype: Datatype;
  /** With the batch dimension, -1, of a model that batches; other variable dimensions are -1, too. */
  readonly shape: readonly number[];
}

/** What decoding needs to know besides the body. */
export interface DecodeGenerateRequestOptions {
  readonly modelName: string;
  /** '' = the highest ready version. */
  readonly modelVersion: string;
  /** The inputs of the model. */
  readonly inputs: readonly GenerateInput[];
}

/** A member of this name holds further keys; it is never an input. */
const NESTED = 'parameters';

/**
 * Decodes a generate request. A key that names an input becomes that tensor, any other a custom parameter, and
 * `parameters` is taken apart in the same way. No key means anything to the server but `id`, which becomes the
 * request's id and a parameter.
 *
 * @throws InferenceServerError INTERNAL for what is not a JSON object and for values of another type than their
 *   input, INVALID_ARG for values that don't fit the input's shape, parameters that are lists, objects or null or whose
 *   names begin with `triton_`, and inputs that are given twice.
 */
export function decodeGenerateRequest(
  body: Uint8Array,
  { modelName, modelVersion, inputs }: DecodeGenerateRequestOptions,
): InferRequestMessage {
  const json = parseGenerateJson(body);
  const draft: Draft = { declared: inputs, inputs: [], parameters: [] };
  readMembers(draft, toObject(json, 'attempt to get members for non-object'), NESTED);
  const id = memberOf(json, 'id');
  return {
    modelName,
    modelVersion,
    id: id === undefined ? '' : toStringValue(id, 'id'),
    inputs: draft.inputs,
    outputs: [],
    binaryDataOutput: false,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    // Unlike assignments, this takes `__proto__` for an ordinary name.
    parameters: draft.parameters.length === 0 ? undefined : Object.fromEntries(draft.parameters),
  };
}

interface Draft {
  readonly declared: readonly GenerateInput[];
  readonly inputs: InferInput[];
  readonly parameters: [string, ParameterValue][];
}

/** @param nested The key whose members are read likewise; within it there is none. */
function readMembers(draft: Draft, json: JsonObject, nested?: string): void {
  for (const [name, value] of Object.entries(json)) {
    if (name === nested) {
      readMembers(
        draft,
        toObject(value, `Unable to parse '${name}': attempt to access JSON non-object as object`),
      );
      continue;
    }
    const input = draft.declared.find((declared) => declared.name === name);
    if (input === undefined) draft.parameters.push([name, toCustomParameter(name, value)]);
    else draft.inputs.push(decodeInput(draft, input, value));
  }
}

function toObject(json: JsonValue, problem: string): JsonObject {
  if (isJsonObject(json)) return json;
  throw new InferenceServerError('INTERNAL', problem);
}

function decodeInput(
  draft: Draft,
  { name, datatype, shape: dims }: GenerateInput,
  value: JsonValue,
): InferInput {
  if (draft.inputs.some((input) => input.name === name)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `input '${name}' is given twice: at the top level and in '${NESTED}'`,
    );
  }
  const values = flattenLeaves(isJsonArray(value) ? value : [value]);
  const shape = fitShape(name, dims, values.length);
  const data = decodeJsonData(values, { name, datatype, elementCount: elementCount(shape) });
  return { name, datatype, shape, data };
}

/**
 * The shape in which a flat list is seen: fixed dimensions take their share of the elements, the innermost variable
 * one the rest, the others are 1.
 */
function fitShape(name: string, dims: readonly number[], count: number): number[] {
  const fixed = elementCount(dims.filter((dim) => dim >= 0));
  const innermost = dims.lastIndexOf(-1);
  const rest = count === fixed ? 1 : count / fixed;
  if (!Number.isInteger(rest) || (innermost < 0 && rest !== 1)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `input '${name}' has ${count} elements, which don't fit its shape ${shapeToString(dims)}`,
    );
  }
  return dims.map((dim, at) => (dim >= 0 ? dim : at === innermost ? rest : 1));
}
