import type { DescField, DescMessage } from '@bufbuild/protobuf';
import type { ModelConfig } from '../gen/model-config.ts';
import {
  asMessage,
  isInt64,
  mapElements,
  MODEL_CONFIG,
  toPlain,
  type PlainMessage,
  type PlainValue,
} from './plain-message.ts';

/** A JSON value. */
export type JsonValue = string | number | boolean | null | JsonObject | readonly JsonValue[];

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** 64-bit integers that Triton writes as strings, as protobuf does; it turns all others into numbers. */
const INT64_AS_STRING: ReadonlySet<string> = new Set([
  'inference.ModelSequenceBatching.InitialState.dims',
  'inference.ModelOptimizationPolicy.Cuda.GraphSpec.Shape.dim',
  'inference.ModelInstanceGroup.SecondaryDevice.device_id',
]);

/** Fields younger than the Triton whose answers are the standard: written only when they are set. */
const OMITTED_WHEN_DEFAULT: ReadonlySet<string> = new Set([
  'inference.ModelEnsembling.max_inflight_requests',
]);

/**
 * A configuration as Triton's `GET …/config` shows it. Scalars, lists and maps are all there, messages and
 * members of a oneof when they are set. 64-bit integers are numbers but for three kinds of field that Triton
 * writes as strings; numbers that JSON cannot express are the strings `NaN`, `Infinity` and `-Infinity`.
 */
export function modelConfigToJson(config: ModelConfig): JsonObject {
  return messageToJson(MODEL_CONFIG, toPlain(config));
}

function messageToJson(descriptor: DescMessage, message: PlainMessage): JsonObject {
  const entries: [string, JsonValue][] = [];
  for (const field of inTritonsOrder(descriptor)) {
    const value = message[field.name];
    if (value !== undefined && !isOmitted(field, value))
      entries.push([field.name, fieldToJson(field, value)]);
  }
  return Object.fromEntries(entries);
}

/**
 * Fields in the order of the proto, but scalars of a oneof, which have no default to hold their place, at the
 * end.
 */
function inTritonsOrder({ fields }: DescMessage): readonly DescField[] {
  const isLast = (field: DescField): boolean => field.oneof !== undefined && field.message === undefined;
  return [...fields.filter((f) => !isLast(f)), ...fields.filter(isLast)];
}

function isOmitted(field: DescField, value: PlainValue): boolean {
  return value === 0 && OMITTED_WHEN_DEFAULT.has(fullName(field));
}

function fieldToJson(field: DescField, value: PlainValue): JsonValue {
  const { message } = field;
  if (message !== undefined) return mapElements(field, value, (e) => messageToJson(message, asMessage(e)));
  const asString = isInt64(field) && INT64_AS_STRING.has(fullName(field));
  return mapElements(field, value, (element) => scalarToJson(element, asString));
}

function scalarToJson(value: PlainValue, asString: boolean): JsonValue {
  if (typeof value !== 'number') return value as string | boolean;
  return asString || !Number.isFinite(value) ? String(value) : value;
}

function fullName(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}
