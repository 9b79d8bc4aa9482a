/**
 * What the parsers need to know of messages and fields. Descriptors have it all; the entries of maps, which
 * have no descriptors, are described the same way.
 */
import type { DescEnum, DescField, ScalarType } from '@bufbuild/protobuf';
import { didYouMean } from './nearest-name.ts';
import { shorten } from './shorten.ts';
import type { ElementType } from './plain-message.ts';

/** A field of a message. */
export interface FieldType extends ElementType {
  readonly name: string;
  readonly jsonName: string;
  readonly fieldKind: DescField['fieldKind'];
  /** The type of a map's keys. */
  readonly mapKey?: ScalarType | undefined;
  readonly oneof?: { readonly fields: readonly { readonly name: string }[] } | undefined;
}

/** A message. */
export interface MessageType {
  readonly name: string;
  readonly fields: readonly FieldType[];
}

/** The message that one entry of a map is written as. */
export function mapEntryType(field: FieldType): MessageType {
  const { scalar, message } = field;
  const valueKind = message !== undefined ? 'message' : scalar !== undefined ? 'scalar' : 'enum';
  return {
    name: `an entry of '${field.name}'`,
    fields: [
      { name: 'key', jsonName: 'key', fieldKind: 'scalar', scalar: field.mapKey },
      { name: 'value', jsonName: 'value', fieldKind: valueKind, scalar, message, enum: field.enum },
    ],
  };
}

/** `unknown field 'max_batchsize' in ModelConfig; did you mean 'max_batch_size'?` */
export function unknownField(message: MessageType, name: string): string {
  const names = message.fields.map((field) => field.name);
  return `unknown field '${shorten(name)}' in ${message.name}${didYouMean(name, names)}`;
}

/**
 * `unknown DataType 'FP32'; did you mean 'TYPE_FP32'?`, or all names when none is near.
 *
 * @param place - comes before the semicolon.
 */
export function unknownEnumValue(type: DescEnum, value: string, place = ''): string {
  const names = type.values.map((v) => v.name);
  // Often only the prefix is missing, and then the nearest name may be a wrong one.
  const prefixed = names.filter((name) => name.endsWith(`_${value.toUpperCase()}`));
  const hint = didYouMean(prefixed[0] ?? value, names) || `; expected one of ${names.join(', ')}`;
  return `unknown ${type.name} '${shorten(value)}'${place}${hint}`;
}

/** The other member of a field's oneof that is already set, if any. */
export function oneofRival(field: FieldType, isSet: (name: string) => boolean): string | undefined {
  return field.oneof?.fields.find((other) => other.name !== field.name && isSet(other.name))?.name;
}
