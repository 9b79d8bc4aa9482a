/**
 * Reads a ModelConfig from JSON, as a load request may carry it in place of `config.pbtxt`.
 */
import { ScalarType, type DescEnum } from '@bufbuild/protobuf';
import type { ModelConfig } from '../gen/model-config.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import {
  oneofRival,
  unknownEnumValue,
  unknownField,
  type FieldType,
  type MessageType,
} from './field-type.ts';
import {
  MODEL_CONFIG,
  toModelConfig,
  type PlainMessage,
  type PlainScalar,
  type PlainValue,
} from './plain-message.ts';
import { integerRange, rangeError, toFloat32, type IntegerRange } from './scalar-range.ts';
import { shorten } from './shorten.ts';

/** Settings of {@link parseModelConfigJson}. */
export interface ParseModelConfigJsonOptions {
  /** Where the text is from, as error messages shall start. */
  readonly source: string;
}

/**
 * Reads a configuration from JSON as protobuf defines it: names as in the proto or in camelCase, enums by
 * name (in any case) or number, integers as numbers or strings; null is the same as absent. Fields that are
 * not there have their proto defaults. Integers above 2^53 become the nearest number.
 *
 * @throws InferenceServerError INVALID_ARG, with a message that starts with `source: ` and names the path,
 * for text that is no JSON, unknown fields and enum values, and values of a wrong type or out of range.
 */
export function parseModelConfigJson(text: string, { source }: ParseModelConfigJsonOptions): ModelConfig {
  const place: Place = { source, path: '' };
  return toModelConfig(readMessage(parseJson(text, place), MODEL_CONFIG, place));
}

/** Where a value stands; an empty path is the whole. */
interface Place {
  readonly source: string;
  readonly path: string;
}

function parseJson(text: string, place: Place): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new InferenceServerError('INVALID_ARG', `${place.source}: not valid JSON: ${String(cause)}`, {
      cause,
    });
  }
}

function readMessage(value: unknown, type: MessageType, place: Place): PlainMessage {
  if (!isObject(value)) throw unexpected(value, place, 'an object');
  const fields = new Map<string, PlainValue>();
  for (const [name, fieldValue] of Object.entries(value)) {
    const field = type.fields.find((f) => f.name === name || f.jsonName === name);
    if (field === undefined) throw wrong(place, unknownField(type, name));
    if (fieldValue === null) continue;
    refuseSecond(field, fields, place);
    const path = place.path === '' ? field.name : `${place.path}.${field.name}`;
    fields.set(field.name, readField(fieldValue, field, { source: place.source, path }));
  }
  return Object.fromEntries(fields);
}

function refuseSecond(field: FieldType, fields: ReadonlyMap<string, PlainValue>, place: Place): void {
  // Possible with both spellings of a name.
  if (fields.has(field.name)) throw wrong(place, `'${field.name}' is given twice`);
  const rival = oneofRival(field, (other) => fields.has(other));
  if (rival === undefined) return;
  throw wrong(place, `'${field.name}' excludes '${rival}': only one of them may be given`);
}

function readField(value: unknown, field: FieldType, place: Place): PlainValue {
  switch (field.fieldKind) {
    case 'list':
      if (!Array.isArray(value)) throw unexpected(value, place, 'a list');
      return value.map((element, i) => readElement(element, field, within(place, i)));
    case 'map':
      return readMap(value, field, place);
    default:
      return readElement(value, field, place);
  }
}

function readMap(value: unknown, field: FieldType, place: Place): PlainMessage {
  if (!isObject(value)) throw unexpected(value, place, 'an object');
  const keyRange = integerRange(field.mapKey);
  const entries = Object.entries(value).map(([key, element]): [string, PlainValue] => {
    const keyPlace = within(place, key);
    const name = keyRange === undefined ? key : String(readInteger(key, keyRange, keyPlace));
    return [name, readElement(element, field, keyPlace)];
  });
  return Object.fromEntries(entries);
}

function readElement(value: unknown, field: FieldType, place: Place): PlainValue {
  if (field.message !== undefined) return readMessage(value, field.message, place);
  if (field.enum !== undefined) return readEnum(value, field.enum, place);
  return readScalar(value, field.scalar, place);
}

function readScalar(value: unknown, type: ScalarType | undefined, place: Place): PlainScalar {
  const range = integerRange(type);
  if (range !== undefined) return Number(readInteger(value, range, place));
  switch (type) {
    case ScalarType.BOOL:
      if (typeof value !== 'boolean') throw unexpected(value, place, 'true or false');
      return value;
    case ScalarType.FLOAT:
      return toFloat32(readFloat(value, place));
    case ScalarType.DOUBLE:
      return readFloat(value, place);
    default:
      if (typeof value !== 'string') throw unexpected(value, place, 'a string');
      return value;
  }
}

const INTEGER = /^-?\d{1,20}$/;

function readInteger(value: unknown, range: IntegerRange, place: Place): bigint {
  const isInteger = typeof value === 'string' ? INTEGER.test(value) : Number.isInteger(value);
  if (!isInteger || (typeof value !== 'string' && typeof value !== 'number')) {
    throw unexpected(value, place, 'an integer');
  }
  const integer = BigInt(value);
  const problem = rangeError(integer, range);
  if (problem === undefined) return integer;
  throw wrong(place, `${problem} for '${place.path}', found ${show(value)}`);
}

function readFloat(value: unknown, place: Place): number {
  // The texts that JSON has no numbers for are 'NaN', 'Infinity' and '-Infinity'.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number !== 'number' || (Number.isNaN(number) && value !== 'NaN')) {
    throw unexpected(value, place, 'a number');
  }
  return number;
}

function readEnum(value: unknown, type: DescEnum, place: Place): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw unexpected(value, place, `the name of a ${type.name}`);
  }
  const upper = String(value).toUpperCase();
  const known = type.values.find((v) => (typeof value === 'number' ? v.number === value : v.name === upper));
  if (known !== undefined) return known.name;
  throw wrong(place, unknownEnumValue(type, String(value), ` for '${place.path}'`));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function within({ source, path }: Place, key: string | number): Place {
  return { source, path: `${path}[${JSON.stringify(key)}]` };
}

function unexpected(found: unknown, place: Place, expected: string): InferenceServerError {
  const subject = place.path === '' ? 'the configuration' : `'${place.path}'`;
  return wrong(place, `expected ${expected} for ${subject}, found ${show(found)}`);
}

function wrong({ source, path }: Place, message: string): InferenceServerError {
  const where = path === '' || message.includes(`'${path}'`) ? '' : ` (in '${path}')`;
  return new InferenceServerError('INVALID_ARG', `${source}: ${message}${where}`);
}

function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (isObject(value)) return 'an object';
  return shorten(JSON.stringify(value));
}
