import {
  create,
  ScalarType,
  type DescEnum,
  type DescField,
  type DescMessage,
  type MessageInitShape,
} from '@bufbuild/protobuf';
import { ModelConfigSchema, type ModelConfig as ModelConfigMessage } from '../gen/model_config_pb.ts';
import type { ModelConfig } from '../gen/model-config.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { unknownEnumValue } from './field-type.ts';
import {
  asMessage,
  isInt64,
  mapElements,
  MODEL_CONFIG,
  toModelConfig,
  toPlain,
  type PlainMessage,
  type PlainValue,
} from './plain-message.ts';
import { integerRange, toBigInt, toFloat32 } from './scalar-range.ts';

/**
 * A configuration as the protobuf message that gRPC sends. 64-bit integers beyond their type's range are put
 * back into it.
 */
export function modelConfigToMessage(config: ModelConfig): ModelConfigMessage {
  const init = messageInit(MODEL_CONFIG, toPlain(config));
  return create(ModelConfigSchema, init as MessageInitShape<typeof ModelConfigSchema>);
}

/**
 * A configuration from the protobuf message that gRPC receives. Integers above 2^53 become the nearest
 * number.
 *
 * @throws InferenceServerError INVALID_ARG for an enum value that the proto does not have.
 */
export function messageToModelConfig(message: ModelConfigMessage): ModelConfig {
  return toModelConfig(fromMessage(MODEL_CONFIG, message as unknown as GeneratedMessage));
}

/** A generated message, or what one is created from: properties by local name, oneofs as case and value. */
type GeneratedMessage = Readonly<Record<string, unknown>>;

interface OneofValue {
  readonly case: string | undefined;
  readonly value?: unknown;
}

function messageInit(descriptor: DescMessage, message: PlainMessage): GeneratedMessage {
  const entries: [string, unknown][] = [];
  for (const field of descriptor.fields) {
    const plain = message[field.name];
    if (plain === undefined) continue;
    const value = mapElements(field, plain, (element) => toElement(field, element));
    if (field.oneof === undefined) entries.push([field.localName, value]);
    else entries.push([field.oneof.localName, { case: field.localName, value } satisfies OneofValue]);
  }
  return Object.fromEntries(entries);
}

function toElement(field: DescField, value: PlainValue): unknown {
  if (field.message !== undefined) return messageInit(field.message, asMessage(value));
  if (field.enum !== undefined) return field.enum.values.find((v) => v.name === value)?.number;
  const range = isInt64(field) ? integerRange(field.scalar) : undefined;
  return range === undefined ? value : toBigInt(Number(value), range);
}

function fromMessage(descriptor: DescMessage, message: GeneratedMessage): PlainMessage {
  const entries: [string, PlainValue][] = [];
  for (const field of descriptor.fields) {
    const value = generatedValue(field, message);
    if (value !== undefined) entries.push([field.name, mapElements(field, value, fromElementOf(field))]);
  }
  return Object.fromEntries(entries);
}

function generatedValue(field: DescField, message: GeneratedMessage): unknown {
  if (field.oneof === undefined) return message[field.localName];
  const oneof = message[field.oneof.localName] as OneofValue;
  return oneof.case === field.localName ? oneof.value : undefined;
}

function fromElementOf(field: DescField): (element: unknown) => PlainValue {
  const { message, enum: enumType, scalar } = field;
  if (message !== undefined) return (element) => fromMessage(message, element as GeneratedMessage);
  if (enumType !== undefined) return (element) => enumName(enumType, element as number);
  if (isInt64(field)) return Number;
  if (scalar === ScalarType.FLOAT) return (element) => toFloat32(element as number);
  return (element) => element as PlainValue;
}

function enumName(type: DescEnum, value: number): string {
  const name = type.value[value]?.name;
  if (name === undefined)
    throw new InferenceServerError('INVALID_ARG', unknownEnumValue(type, String(value)));
  return name;
}
