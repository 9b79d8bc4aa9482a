/**
 * Reading JSON members with Triton's rules and error texts. A member that is missing or of the wrong type is
 * INTERNAL, as in Triton: "Unable to parse 'name': attempt to access JSON non-string as string".
 */
import { InferenceServerError } from '../inference-server-error.ts';
import { JsonDouble, type JsonObject, type JsonValue } from './parse-json.ts';

/** Whether a value is a JSON array. */
export function isJsonArray(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** Whether a value is a JSON object. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonDouble)
  );
}

/** A member of an object; undefined when there is none, or the value is not an object. */
export function memberOf(value: JsonValue | undefined, name: string): JsonValue | undefined {
  return isJsonObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** A member that must be there and be a string. */
export function stringMember(parent: JsonValue | undefined, name: string): string {
  return toStringValue(existingMember(parent, name), name);
}

/** A member that must be there and be an array. */
export function arrayMember(parent: JsonValue | undefined, name: string): readonly JsonValue[] {
  const value = existingMember(parent, name);
  return isJsonArray(value) ? value : failMember(name, 'attempt to access JSON non-array as array');
}

/** The value of the member `name` as a string. */
export function toStringValue(value: JsonValue, name: string): string {
  return typeof value === 'string' ? value : failMember(name, 'attempt to access JSON non-string as string');
}

/** The value of the member `name` as a boolean. */
export function toBooleanValue(value: JsonValue, name: string): boolean {
  return typeof value === 'boolean'
    ? value
    : failMember(name, 'attempt to access JSON non-boolean as boolean');
}

/** The value of the member `name` as an unsigned 64-bit integer; a bigint beyond 2^53 if it was read exactly. */
export function toUnsignedValue(value: JsonValue, name: string): number | bigint {
  return isUnsigned(value)
    ? value
    : failMember(name, 'attempt to access JSON non-unsigned-integer as unsigned-integer');
}

/** Whether a value is an unsigned 64-bit integer. */
export function isUnsigned(value: JsonValue): value is number | bigint {
  if (typeof value === 'number') return Number.isInteger(value) && value >= 0;
  return typeof value === 'bigint' && value >= 0n && value < 2n ** 64n;
}

function existingMember(parent: JsonValue | undefined, name: string): JsonValue {
  const value = memberOf(parent, name);
  return value === undefined
    ? failMember(name, `attempt to access non-existing object member '${name}'`)
    : value;
}

function failMember(name: string, problem: string): never {
  throw new InferenceServerError('INTERNAL', `Unable to parse '${name}': ${problem}`);
}
