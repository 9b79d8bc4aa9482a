import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import type { ModelConfig } from '../gen/model-config.ts';
import {
  defaultElement,
  hasDefault,
  MODEL_CONFIG,
  toPlain,
  type PlainMessage,
  type PlainValue,
} from './plain-message.ts';
import { integerRange, toBigInt } from './scalar-range.ts';

const INDENT = '  ';

/**
 * A configuration as the text of a `config.pbtxt` that parses back to the same configuration. Fields come in
 * the order of the proto, two spaces a level; those that have their proto default are left out.
 */
export function modelConfigToPbtxt(config: ModelConfig): string {
  return messageLines(MODEL_CONFIG, toPlain(config))
    .map((line) => `${line}\n`)
    .join('');
}

function messageLines(descriptor: DescMessage, message: PlainMessage): string[] {
  return descriptor.fields.flatMap((field) => {
    const value = message[field.name];
    return value === undefined ? [] : fieldLines(field, value);
  });
}

function fieldLines(field: DescField, value: PlainValue): string[] {
  switch (field.fieldKind) {
    case 'list':
      return listLines(field, value as readonly PlainValue[]);
    case 'map':
      return Object.entries(value as PlainMessage).flatMap(([key, element]) =>
        entryLines(field, key, element),
      );
    default:
      return hasDefault(field) && Object.is(value, defaultElement(field))
        ? []
        : valueLines(field.name, field, value);
  }
}

function listLines(field: DescField, list: readonly PlainValue[]): string[] {
  if (field.message !== undefined) return list.flatMap((element) => valueLines(field.name, field, element));
  if (list.length === 0) return [];
  return [`${field.name}: [${list.map((element) => scalarText(field, element)).join(', ')}]`];
}

function entryLines(field: DescField & { fieldKind: 'map' }, key: string, value: PlainValue): string[] {
  const keyText = field.mapKey === ScalarType.STRING ? quote(key) : key;
  return block(field.name, [`key: ${keyText}`, ...valueLines('value', field, value)]);
}

function valueLines(name: string, field: DescField, value: PlainValue): string[] {
  if (field.message === undefined) return [`${name}: ${scalarText(field, value)}`];
  return block(name, messageLines(field.message, value as PlainMessage));
}

function block(name: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [`${name} {}`];
  return [`${name} {`, ...lines.map((line) => INDENT + line), '}'];
}

function scalarText(field: DescField, value: PlainValue): string {
  if (typeof value === 'string') return field.enum === undefined ? quote(value) : value;
  if (typeof value !== 'number') return value === true ? 'true' : 'false';
  const range = integerRange(field.scalar);
  return range === undefined ? floatText(value) : String(toBigInt(value, range));
}

function floatText(value: number): string {
  if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
  return String(value).replace('NaN', 'nan').replace('Infinity', 'inf');
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['"', '\\"'],
  ['\\', '\\\\'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function quote(text: string): string {
  const escaped = text.replaceAll(/["\\\p{Cc}]/gu, (c) => ESCAPES.get(c) ?? escapeControl(c));
  return `"${escaped}"`;
}

function escapeControl(character: string): string {
  const code = character.charCodeAt(0);
  // Octal escapes are bytes, so only ASCII can be written that way; three digits, as another may follow.
  return code < 0x80 ? `\\${code.toString(8).padStart(3, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}
