/**
 * Writes proto messages as plain TypeScript interfaces in the shape of Triton's configuration JSON: field
 * names as in the proto, enums as unions of their names, 64-bit integers as numbers.
 */
import type { DescEnum, DescField, DescFile, DescMessage } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { leadingComments } from './leading-comments.ts';

const COLUMNS = 110;

const SCALAR_TYPES: ReadonlyMap<ScalarType, string> = new Map([
  [ScalarType.BOOL, 'boolean'],
  [ScalarType.STRING, 'string'],
  // Base64, as in JSON.
  [ScalarType.BYTES, 'string'],
]);

/** All enums and messages of a file, nested ones before the message they belong to. */
export function plainTypes(file: DescFile): string {
  const comments = leadingComments(file);
  const write = (message: DescMessage): string[] => [
    ...message.nestedEnums.map((e) => enumType(e, comments)),
    ...message.nestedMessages.flatMap(write),
    interfaceType(message, comments),
  ];
  return [...file.enums.map((e) => enumType(e, comments)), ...file.messages.flatMap(write)].join('\n');
}

type Comments = ReturnType<typeof leadingComments>;

function enumType(descriptor: DescEnum, comments: Comments): string {
  const values = descriptor.values.map((value) => {
    const comment = comments.get(value);
    return `${comment === undefined ? '' : jsDoc(comment, '  ')}  | '${value.name}'`;
  });
  const declaration = `export type ${typeName(descriptor)} =\n${values.join('\n')};`;
  return `${jsDoc(comments.get(descriptor), '')}${declaration}\n`;
}

function interfaceType(message: DescMessage, comments: Comments): string {
  const fields = message.fields.map((field) => {
    const optional = field.fieldKind === 'message' || field.oneof !== undefined;
    const comment = withOneof(comments.get(field), field);
    return `${jsDoc(comment, '  ')}  readonly ${field.name}${optional ? '?' : ''}: ${fieldType(field)};\n`;
  });
  // An interface without members would accept any value.
  const declaration =
    fields.length === 0
      ? `export type ${typeName(message)} = Readonly<Record<string, never>>;`
      : `export interface ${typeName(message)} {\n${fields.join('')}}`;
  return `${jsDoc(comments.get(message), '')}${declaration}\n`;
}

function withOneof(comment: string | undefined, field: DescField): string | undefined {
  if (field.oneof === undefined) return comment;
  const others = field.oneof.fields.filter((f) => f !== field).map((f) => `\`${f.name}\``);
  if (others.length === 0) return comment;
  return `${comment ?? ''} Not together with ${others.join(' or ')}.`.trim();
}

function fieldType(field: DescField): string {
  switch (field.fieldKind) {
    case 'list':
      return `readonly ${elementType(field)}[]`;
    case 'map':
      return `Readonly<Record<string, ${elementType(field)}>>`;
    default:
      return elementType(field);
  }
}

function elementType(field: DescField): string {
  if (field.message !== undefined) return typeName(field.message);
  if (field.enum !== undefined) return typeName(field.enum);
  return SCALAR_TYPES.get(field.scalar) ?? 'number';
}

/** `ModelInstanceGroup.Kind` → `ModelInstanceGroupKind`; a name that repeats its parent's is not doubled. */
function typeName({ parent, name }: DescEnum | DescMessage): string {
  if (parent === undefined) return name;
  return typeName(parent) + (name.startsWith(parent.name) ? name.slice(parent.name.length) : name);
}

function jsDoc(comment: string | undefined, indent: string): string {
  if (comment === undefined) return '';
  const single = `${indent}/** ${comment} */`;
  if (single.length <= COLUMNS) return `${single}\n`;
  const lines = wrap(comment, COLUMNS - indent.length - 3);
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`, ''].join('\n');
}

function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = '';
    }
    line += line === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
