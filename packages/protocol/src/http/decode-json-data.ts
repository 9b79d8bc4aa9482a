/** The `data` list of a tensor in JSON → little-endian bytes. */
import { encodeBytesTensor } from '../bytes-tensor.ts';
import type { Datatype } from '../datatype.ts';
import { InferenceServerError } from '../inference-server-error.ts';
import { isJsonArray } from './json-member.ts';
import { JsonDouble, type JsonValue } from './parse-json.ts';

/** What the values of a `data` list have to become. */
export interface JsonDataTarget {
  readonly name: string;
  readonly datatype: Datatype;
  readonly elementCount: number;
}

/** Levels of brackets in a `data` list, the values counted as one. */
const MAX_DEPTH = 100;

/**
 * Decodes a `data` list, flat or nested: only the row-major order of the values counts. The number of strings is
 * left to whoever checks BYTES tensors.
 *
 * @throws InferenceServerError INTERNAL for values of another type and for another number of values than the shape
 *   has, INVALID_ARG for integers out of range, too deep nesting and the types that JSON cannot carry.
 */
export function decodeJsonData(data: readonly JsonValue[], target: JsonDataTarget): Uint8Array {
  const leaves = flattenLeaves(data);
  if (target.datatype === 'BYTES') return decodeStrings(leaves);
  if (leaves.length !== target.elementCount) {
    return failData("Shape does not match true shape of 'data' field");
  }
  return decodeNumbers(leaves, target);
}

/**
 * The values of a `data` list, its brackets taken off.
 *
 * @throws InferenceServerError INVALID_ARG for too deep nesting.
 */
export function flattenLeaves(data: readonly JsonValue[]): readonly JsonValue[] {
  if (!data.some(isJsonArray)) return data;
  const leaves: JsonValue[] = [];
  appendLeaves(data, 1, leaves);
  return leaves;
}

function appendLeaves(data: readonly JsonValue[], depth: number, leaves: JsonValue[]): void {
  if (depth >= MAX_DEPTH) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `Unable to parse 'data': JSON nesting depth exceeds maximum allowed limit (${MAX_DEPTH})`,
    );
  }
  for (const element of data) {
    if (isJsonArray(element)) appendLeaves(element, depth + 1, leaves);
    else leaves.push(element);
  }
}

function decodeStrings(leaves: readonly JsonValue[]): Uint8Array {
  for (const leaf of leaves) {
    if (typeof leaf !== 'string') {
      throw new InferenceServerError(
        'INTERNAL',
        'Unable to parse JSON bytes array: attempt to access JSON non-string as string',
      );
    }
  }
  return encodeBytesTensor(leaves as readonly string[]);
}

function decodeNumbers(leaves: readonly JsonValue[], target: JsonDataTarget): Uint8Array {
  const count = leaves.length;
  switch (target.datatype) {
    case 'FP32':
      return fillFloats(new Float32Array(count), leaves);
    case 'FP64':
      return fillFloats(new Float64Array(count), leaves);
    case 'BOOL':
      return fillBooleans(new Uint8Array(count), leaves);
    case 'UINT8':
      return fillIntegers(new Uint8Array(count), leaves, target);
    case 'UINT16':
      return fillIntegers(new Uint16Array(count), leaves, target);
    case 'UINT32':
      return fillIntegers(new Uint32Array(count), leaves, target);
    case 'INT8':
      return fillIntegers(new Int8Array(count), leaves, target);
    case 'INT16':
      return fillIntegers(new Int16Array(count), leaves, target);
    case 'INT32':
      return fillIntegers(new Int32Array(count), leaves, target);
    default:
      return decodeOther(leaves, target);
  }
}

function decodeOther(leaves: readonly JsonValue[], target: JsonDataTarget): Uint8Array {
  if (target.datatype === 'INT64' || target.datatype === 'UINT64') return fillWideIntegers(leaves, target);
  if (leaves.length === 0) return new Uint8Array(0);
  throw new InferenceServerError(
    'INVALID_ARG',
    `receiving ${target.datatype} data via JSON is not supported. Please use the binary data format for input ` +
      target.name,
  );
}

function fillFloats(elements: Float32Array | Float64Array, leaves: readonly JsonValue[]): Uint8Array {
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    elements[i] = typeof leaf === 'number' ? leaf : toDouble(leaf);
  }
  return new Uint8Array(elements.buffer);
}

function toDouble(leaf: JsonValue | undefined): number {
  if (leaf instanceof JsonDouble) return leaf.value;
  if (typeof leaf === 'bigint') return Number(leaf);
  return failData('attempt to access JSON non-number as double');
}

function fillBooleans(elements: Uint8Array, leaves: readonly JsonValue[]): Uint8Array {
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (typeof leaf !== 'boolean') failData('attempt to access JSON non-boolean as boolean');
    elements[i] = leaf === true ? 1 : 0;
  }
  return elements;
}

type IntegerArray = Int8Array | Int16Array | Int32Array | Uint8Array | Uint16Array | Uint32Array;

function fillIntegers(
  elements: IntegerArray,
  leaves: readonly JsonValue[],
  target: JsonDataTarget,
): Uint8Array {
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (typeof leaf !== 'number') return failInteger(leaf, target);
    elements[i] = leaf;
    // Storing cuts off fractions and what is out of range: then the element differs.
    if (elements[i] !== leaf) return failInteger(leaf, target);
  }
  return new Uint8Array(elements.buffer);
}

/** 64-bit integers as two words, low word first, which spares a bigint for each. */
function fillWideIntegers(leaves: readonly JsonValue[], target: JsonDataTarget): Uint8Array {
  const words = new Uint32Array(leaves.length * 2);
  const isSigned = target.datatype === 'INT64';
  for (let i = 0; i < leaves.length; i++) {
    const leaf = leaves[i];
    if (typeof leaf === 'number' && Number.isSafeInteger(leaf) && (isSigned || leaf >= 0)) {
      words[2 * i] = leaf;
      words[2 * i + 1] = Math.floor(leaf / 2 ** 32);
    } else {
      const value = toWideInteger(leaf, isSigned, target);
      words[2 * i] = Number(value & 0xffff_ffffn);
      words[2 * i + 1] = Number(value >> 32n);
    }
  }
  return new Uint8Array(words.buffer);
}

function toWideInteger(leaf: JsonValue | undefined, isSigned: boolean, target: JsonDataTarget): bigint {
  if (typeof leaf === 'bigint') {
    const wrapped = isSigned ? BigInt.asIntN(64, leaf) : BigInt.asUintN(64, leaf);
    if (wrapped === leaf) return leaf;
  }
  return failInteger(leaf, target);
}

/** Triton cuts off integers that are out of range without a word; here they are refused. */
function failInteger(leaf: JsonValue | undefined, target: JsonDataTarget): never {
  const kind = target.datatype.startsWith('U') ? 'unsigned' : 'signed';
  const isInteger = typeof leaf === 'bigint' || (typeof leaf === 'number' && Number.isInteger(leaf));
  if (isInteger && (kind === 'signed' || leaf >= 0)) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `value ${leaf} of input '${target.name}' is out of range for datatype ${target.datatype}`,
    );
  }
  return failData(`attempt to access JSON non-${kind}-integer as ${kind}-integer`);
}

function failData(problem: string): never {
  throw new InferenceServerError('INTERNAL', `Unable to parse 'data': ${problem}`);
}
