/**
 * Messages as plain objects, walked by their descriptors: what all codecs of the model configuration are made
 * of.
 */
import type { DescEnum, DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { ModelConfigSchema } from '../gen/model_config_pb.ts';
import type { ModelConfig } from '../gen/model-config.ts';

/** The value of a field: enums are names, lists are arrays, maps are objects. */
export type PlainValue = PlainScalar | PlainMessage | readonly PlainValue[];

/** A single value that is no message. */
export type PlainScalar = string | number | boolean;

/** Fields by their proto names; those that are not set may be absent. */
export interface PlainMessage {
  readonly [name: string]: PlainValue;
}

/** The type of a single value, list element or map value: exactly one of the three is set. */
export interface ElementType {
  readonly scalar?: ScalarType | undefined;
  readonly enum?: DescEnum | undefined;
  readonly message?: DescMessage | undefined;
}

/** The descriptor of ModelConfig. */
export { ModelConfigSchema as MODEL_CONFIG };

/** A configuration as the codecs see it. */
export function toPlain(config: ModelConfig): PlainMessage {
  return config as unknown as PlainMessage;
}

/**
 * A plain ModelConfig message, given its type: fields come in the order of the proto, with defaults filled
 * in.
 */
export function toModelConfig(message: PlainMessage): ModelConfig {
  return complete(ModelConfigSchema, message) as unknown as ModelConfig;
}

/** Whether a field that is not set has a value all the same: all but messages and members of a oneof. */
export function hasDefault(field: DescField): boolean {
  return field.fieldKind !== 'message' && field.oneof === undefined;
}

/** Whether values of a field are 64-bit integers. */
export function isInt64(field: DescField): boolean {
  return field.scalar === ScalarType.INT64 || field.scalar === ScalarType.UINT64;
}

/**
 * The value of a field with `f` applied to what it is made of: the value itself, or each element of a list or
 * map. Lists and maps are new ones.
 */
export function mapElements<E, T>(
  field: DescField,
  value: E,
  f: (element: E) => T,
): T | readonly T[] | Readonly<Record<string, T>> {
  switch (field.fieldKind) {
    case 'list':
      return (value as readonly E[]).map(f);
    case 'map':
      return Object.fromEntries(
        Object.entries(value as Readonly<Record<string, E>>).map(([key, e]) => [key, f(e)]),
      );
    default:
      return f(value);
  }
}

/** A value that its descriptor says is a message or map. */
export function asMessage(value: PlainValue): PlainMessage {
  return value as PlainMessage;
}

function complete(descriptor: DescMessage, message: PlainMessage): PlainMessage {
  const entries: [string, PlainValue][] = [];
  for (const field of descriptor.fields) {
    const value = message[field.name];
    if (value !== undefined) entries.push([field.name, completeField(field, value)]);
    else if (hasDefault(field)) entries.push([field.name, defaultValue(field)]);
  }
  return Object.fromEntries(entries);
}

function completeField(field: DescField, value: PlainValue): PlainValue {
  const { message } = field;
  return mapElements(field, value, (e) => (message === undefined ? e : complete(message, asMessage(e))));
}

function defaultValue(field: DescField): PlainValue {
  if (field.fieldKind === 'list') return [];
  return field.fieldKind === 'map' ? {} : defaultElement(field);
}

/** The value of a single value, list element or map entry that its text does not give. */
export function defaultElement({ scalar, enum: enumType, message }: ElementType): PlainValue {
  if (message !== undefined) return {};
  if (enumType !== undefined) return enumType.values[0]?.name ?? '';
  if (scalar === ScalarType.BOOL) return false;
  return scalar === ScalarType.STRING || scalar === ScalarType.BYTES ? '' : 0;
}
