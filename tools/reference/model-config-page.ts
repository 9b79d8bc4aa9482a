import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelConfigSchema } from '@nereid/protocol/gen';
import { findFieldSupport } from '../../packages/core/src/repository/field-support.ts';
import { code, GENERATED, page, table } from './markdown.ts';

type DescField = (typeof ModelConfigSchema)['fields'][number];
type DescMessage = DescField['parent'];
type DescEnum = NonNullable<DescField['enum']>;

/** Protobuf's numbers of the scalar types that the configuration has. */
const SCALARS: Readonly<Record<number, string>> = {
  1: 'double',
  2: 'float',
  3: 'int64',
  4: 'uint64',
  5: 'int32',
  8: 'bool',
  9: 'string',
  13: 'uint32',
};

const PACKAGE_PREFIX = /^inference\./;
const TYPES = join(import.meta.dirname, '../../packages/protocol/src/gen/model-config.ts');

/** A field, with the fields above it: `dynamic_batching.default_queue_policy.max_queue_size`. */
export interface ConfigField {
  readonly path: string;
  readonly field: DescField;
}

/** `docs/reference/model-config.md`: every field of `config.pbtxt`. */
export function modelConfigPage(): string {
  const docs = readDocs(readFileSync(TYPES, 'utf8'));
  const fields = configFields();
  const top = fields.filter(({ path }) => !path.includes('.'));
  const sections = top.flatMap(({ path }) => {
    const below = fields.filter((other) => other.path.startsWith(`${path}.`));
    return below.length === 0 ? [] : [`## ${path}\n\n${fieldTable(below, docs)}`];
  });
  return page([
    GENERATED,
    '# Model configuration',
    'Every field of `config.pbtxt`, in the text format of protobuf or as JSON. What a default fills in when it is ' +
      '0 or empty, the meaning says.',
    '**supported**: it has its effect. **ignored**: it is accepted and has none. **refused**: a model that sets it ' +
      'is not loaded, and the reason says so. An ensemble must not have `instance_group`, `optimization` and ' +
      '`model_warmup`. How to write a configuration is in the [user guide](../user-guide/model-configuration.md).',
    `## Top level\n\n${fieldTable(top, docs)}`,
    ...sections,
    `## Enumerations\n\n${enumTable(fields, docs)}`,
  ]);
}

/** All fields, in the order of the descriptor, each message under every field that has it. */
export function configFields(): readonly ConfigField[] {
  const walk = (message: DescMessage, prefix: string): readonly ConfigField[] =>
    message.fields.flatMap((field) => {
      const path = prefix + field.name;
      return [{ path, field }, ...(field.message === undefined ? [] : walk(field.message, `${path}.`))];
    });
  return walk(ModelConfigSchema, '');
}

function fieldTable(fields: readonly ConfigField[], docs: Docs): string {
  const rows = fields.map(({ path, field }) => [
    code(path),
    typeText(field),
    defaultText(field),
    docs.get(`${typeName(field.parent)}.${field.name}`) ?? '',
    statusText(path),
  ]);
  return table(['field', 'type', 'default', 'meaning', 'status'], rows);
}

function statusText(path: string): string {
  const support = findFieldSupport(path);
  if (support === undefined) throw new Error(`field ${path} has no row in field-support.ts`);
  const { status, note } = support;
  const word = status === 'supported' ? status : `**${status}**`;
  return note === '' ? word : `${word}: ${note}`;
}

function typeText(field: DescField): string {
  const element = field.message ?? field.enum;
  const name = element === undefined ? scalarName(field) : typeName(element);
  if (field.fieldKind === 'list') return `list of ${name}`;
  return field.fieldKind === 'map' ? `map of ${name}` : name;
}

function defaultText(field: DescField): string {
  if (field.fieldKind === 'list' || field.fieldKind === 'map') return 'empty';
  if (field.fieldKind === 'message' || field.oneof !== undefined) return 'absent';
  if (field.fieldKind === 'enum') return code(field.enum.values[0]?.name ?? '');
  if (scalarName(field) === 'string') return '`""`';
  return scalarName(field) === 'bool' ? '`false`' : '`0`';
}

function scalarName({ scalar }: DescField): string {
  return scalar === undefined ? '' : (SCALARS[scalar] ?? '');
}

/** The name that the plain types have: `inference.ModelQueuePolicy.TimeoutAction` → `ModelQueuePolicyTimeoutAction`. */
function typeName({ typeName: name }: DescMessage | DescEnum): string {
  return name.replace(PACKAGE_PREFIX, '').replaceAll('.', '');
}

function enumTable(fields: readonly ConfigField[], docs: Docs): string {
  const enums = new Set(fields.flatMap(({ field }) => field.enum ?? []));
  const rows = [...enums].flatMap((type) =>
    type.values.map((value, at) => [
      at === 0 ? typeName(type) : '',
      code(value.name),
      docs.get(`${typeName(type)}.${value.name}`) ?? '',
    ]),
  );
  return table(['type', 'value', 'meaning'], rows);
}

/** Descriptions by `<type>.<field or value>`. */
type Docs = ReadonlyMap<string, string>;

/** Reads the comments of the plain types: an interface has fields, an enumeration is a union of texts. */
function readDocs(source: string): Docs {
  const docs = new Map<string, string>();
  let type = '';
  let comment = '';
  for (const [, text, opened, field, value] of source.matchAll(
    /\/\*\*([\s\S]*?)\*\/|export (?:interface|type) (\w+)|readonly (\w+)\??:|\| '(\w+)'/g,
  )) {
    if (text !== undefined) comment = plainText(text);
    else {
      if (opened !== undefined) type = opened;
      else docs.set(`${type}.${field ?? value ?? ''}`, comment);
      comment = '';
    }
  }
  return docs;
}

function plainText(comment: string): string {
  return comment.replaceAll(/\s*\n\s*\*\s?/g, ' ').trim();
}
