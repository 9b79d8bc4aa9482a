import type { DescEnum } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { unknownEnumValue, type FieldType } from './field-type.ts';
import { errorAt } from './pbtxt-source.ts';
import { decodeStrings } from './pbtxt-string.ts';
import { showToken, type PbtxtTokens, type Token } from './pbtxt-tokenizer.ts';
import type { PlainScalar } from './plain-message.ts';
import { integerRange, rangeError, toFloat32, type IntegerRange } from './scalar-range.ts';

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['t', true],
  ['1', true],
  ['false', false],
  ['False', false],
  ['f', false],
  ['0', false],
]);

const SPECIAL_FLOATS: ReadonlyMap<string, number> = new Map([
  ['inf', Infinity],
  ['infinity', Infinity],
  ['nan', NaN],
]);

/** Takes the value of a scalar or enum field. */
export function takeScalar(tokens: PbtxtTokens, field: FieldType): PlainScalar {
  if (field.enum !== undefined) return takeEnum(tokens, field, field.enum);
  const range = integerRange(field.scalar);
  if (range !== undefined) return takeInteger(tokens, field, range);
  switch (field.scalar) {
    case ScalarType.BOOL:
      return takeBoolean(tokens, field);
    case ScalarType.FLOAT:
      return toFloat32(takeFloat(tokens, field));
    case ScalarType.DOUBLE:
      return takeFloat(tokens, field);
    default:
      return takeString(tokens, field);
  }
}

function takeInteger(tokens: PbtxtTokens, field: FieldType, range: IntegerRange): number {
  const { token, negative } = takeSigned(tokens);
  const magnitude = integerValue(token);
  if (magnitude === undefined) throw unexpected(tokens, field, 'an integer', token);
  const value = negative ? -magnitude : magnitude;
  const problem = rangeError(value, range);
  if (problem === undefined) return Number(value);
  throw errorAt(tokens.source, token.offset, `${problem} for '${field.name}', found ${value}`);
}

function takeFloat(tokens: PbtxtTokens, field: FieldType): number {
  const { token, negative } = takeSigned(tokens);
  const value = parseFloatToken(token);
  if (value === undefined) throw unexpected(tokens, field, 'a number', token);
  return negative ? -value : value;
}

function parseFloatToken({ kind, text }: Token): number | undefined {
  if (kind === 'identifier') return SPECIAL_FLOATS.get(text.toLowerCase());
  const isDecimal = kind === 'float' || (kind === 'integer' && /^(?:0|[1-9]\d*)$/.test(text));
  return isDecimal ? Number(text.replace(/[fF]$/, '')) : undefined;
}

function takeBoolean(tokens: PbtxtTokens, field: FieldType): boolean {
  const token = tokens.take();
  const value = token.kind === 'string' ? undefined : BOOLEANS.get(token.text);
  if (value === undefined) throw unexpected(tokens, field, 'true or false', token);
  return value;
}

function takeEnum(tokens: PbtxtTokens, field: FieldType, type: DescEnum): string {
  const token = tokens.take();
  const number = integerValue(token);
  if (number === undefined && token.kind !== 'identifier') {
    throw unexpected(tokens, field, `a ${type.name} without quotes`, token);
  }
  const known = type.values.find((v) => v.name === token.text || BigInt(v.number) === number);
  if (known !== undefined) return known.name;
  throw errorAt(tokens.source, token.offset, unknownEnumValue(type, token.text));
}

function takeString(tokens: PbtxtTokens, field: FieldType): string {
  const parts: Token[] = [];
  while (tokens.next.kind === 'string') parts.push(tokens.take());
  if (parts.length === 0) throw unexpected(tokens, field, 'a string in quotes', tokens.next);
  return decodeStrings(tokens.source, parts);
}

function takeSigned(tokens: PbtxtTokens): { readonly token: Token; readonly negative: boolean } {
  const negative = tokens.takeSymbol('-');
  return { token: tokens.take(), negative };
}

/** Longer integers fit no type, and take long to turn into a bigint. */
const MAX_DIGITS = 100;

/** The value of an integer token: decimal, `0x` hexadecimal, or octal after a leading 0. */
function integerValue({ kind, text }: Token): bigint | undefined {
  const octal = /^0\d/.test(text);
  if (kind !== 'integer' || text.length > MAX_DIGITS || (octal && /[89]/.test(text))) return undefined;
  return BigInt(octal ? `0o${text.slice(1)}` : text);
}

function unexpected(tokens: PbtxtTokens, field: FieldType, expected: string, found: Token): Error {
  return errorAt(
    tokens.source,
    found.offset,
    `expected ${expected} for '${field.name}', found ${showToken(found)}`,
  );
}
