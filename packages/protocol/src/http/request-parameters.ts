/** The top-level `parameters` of inference requests and responses. */
import type { ParameterValue, Parameters, SequenceFields } from '../infer-message.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { isJsonObject, isUnsigned, toBooleanValue, toStringValue, toUnsignedValue } from './json-member.ts';
import { JsonDouble, type JsonValue } from './parse-json.ts';

/** What the parameters of a request say: those that the server knows, and the rest for the model. */
export interface RequestParameters {
  readonly binaryDataOutput: boolean;
  readonly priority: number;
  readonly timeoutUs: number;
  readonly sequence: SequenceFields | undefined;
  readonly parameters: Parameters | undefined;
}

const NO_PARAMETERS: RequestParameters = {
  binaryDataOutput: false,
  priority: 0,
  timeoutUs: 0,
  sequence: undefined,
  parameters: undefined,
};

/**
 * Decodes the `parameters` member.
 *
 * @throws InferenceServerError INTERNAL for a known parameter of the wrong type, INVALID_ARG for a custom one that
 *   is a list, an object or null, and for names that begin with `triton_`.
 */
export function decodeRequestParameters(json: JsonValue | undefined): RequestParameters {
  if (json === undefined) return NO_PARAMETERS;
  if (!isJsonObject(json)) {
    throw new InferenceServerError(
      'INTERNAL',
      'failed to get request params.: attempt to get members for non-object',
    );
  }
  const draft = { ...NO_PARAMETERS, custom: [] as [string, ParameterValue][] };
  for (const name of Object.keys(json)) readParameter(draft, name, json[name] ?? null);
  const { custom, ...known } = draft;
  // Unlike assignments, this takes `__proto__` for an ordinary name.
  return custom.length === 0 ? known : { ...known, parameters: Object.fromEntries(custom) };
}

/** Decodes the `parameters` of a response, where no name is special. */
export function decodeResponseParameters(json: JsonValue | undefined): Parameters | undefined {
  if (!isJsonObject(json)) return undefined;
  const entries = Object.entries(json);
  if (entries.length === 0) return undefined;
  return Object.fromEntries(entries.map(([name, value]) => [name, toParameterValue(name, value)]));
}

interface Draft {
  binaryDataOutput: boolean;
  priority: number;
  timeoutUs: number;
  sequence: SequenceFields | undefined;
  readonly custom: [string, ParameterValue][];
}

const NO_SEQUENCE: SequenceFields = { id: 0, start: false, end: false };

function readParameter(draft: Draft, name: string, value: JsonValue): void {
  switch (name) {
    case 'sequence_id':
      draft.sequence = { ...(draft.sequence ?? NO_SEQUENCE), id: toSequenceId(value) };
      break;
    case 'sequence_start':
      draft.sequence = { ...(draft.sequence ?? NO_SEQUENCE), start: toBooleanValue(value, name) };
      break;
    case 'sequence_end':
      draft.sequence = { ...(draft.sequence ?? NO_SEQUENCE), end: toBooleanValue(value, name) };
      break;
    case 'priority':
      draft.priority = Number(toUnsignedValue(value, name));
      break;
    case 'timeout':
      draft.timeoutUs = Number(toUnsignedValue(value, name));
      break;
    case 'binary_data_output':
      draft.binaryDataOutput = toBooleanValue(value, name);
      break;
    default:
      draft.custom.push([name, toCustomParameter(name, value)]);
  }
}

function toSequenceId(value: JsonValue): number | bigint | string {
  return isUnsigned(value) ? value : toStringValue(value, 'sequence_id');
}

/**
 * A parameter that means nothing to the server, as clients may give it.
 *
 * @throws InferenceServerError INVALID_ARG for a list, an object and null, and for names that begin with `triton_`.
 */
export function toCustomParameter(name: string, value: JsonValue): ParameterValue {
  if (name.startsWith('triton_')) {
    throw new InferenceServerError(
      'INVALID_ARG',
      "parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified.",
    );
  }
  return toParameterValue(name, value);
}

/**
 * A custom parameter's value.
 *
 * @throws InferenceServerError INVALID_ARG for a list, an object and null.
 */
export function toParameterValue(name: string, value: JsonValue): ParameterValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'number':
      return value;
    case 'bigint':
      // Beyond 64 bits with sign it is a double, as in Triton.
      return BigInt.asIntN(64, value) === value ? value : Number(value);
    default:
      return toDouble(name, value);
  }
}

function toDouble(name: string, value: JsonValue): ParameterValue {
  if (value instanceof JsonDouble) return value.value;
  throw new InferenceServerError(
    'INVALID_ARG',
    `parameter '${name}' has invalid type. It should be either 'int', 'bool', or 'string'.`,
  );
}
