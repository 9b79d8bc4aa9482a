/**
 * Reads `config.pbtxt`: a ModelConfig in protobuf's text format. Nesting is as deep as the messages are,
 * since nothing is read that they do not name: no text can make the parser recurse further.
 */
import type { ModelConfig } from '../gen/model-config.ts';
import type { InferenceServerError } from '../inference-server-error.ts';
import { mapEntryType, oneofRival, unknownField, type FieldType, type MessageType } from './field-type.ts';
import { takeScalar } from './pbtxt-scalar.ts';
import { createSource, errorAt, positionAt, type Position } from './pbtxt-source.ts';
import { PbtxtTokens, showToken, type Token } from './pbtxt-tokenizer.ts';
import {
  defaultElement,
  MODEL_CONFIG,
  toModelConfig,
  type PlainMessage,
  type PlainValue,
} from './plain-message.ts';

/** Settings of {@link parsePbtxt}. */
export interface ParsePbtxtOptions {
  /** Name of the file, as error messages shall show it. */
  readonly file: string;
}

/** A configuration and where its parts stand in the text. */
export interface PositionedModelConfig {
  readonly config: ModelConfig;
  /**
   * Where a field or element starts, by its path: `input`, `input[0]`, `input[0].dims[1]`,
   * `parameters["key"].string_value`. Fields that are not in the text have no entry; `input` is where the
   * first of several stands.
   */
  readonly positions: ReadonlyMap<string, Position>;
}

/**
 * Reads a configuration from protobuf's text format. Fields that the text does not name have their proto
 * defaults. Integers above 2^53 become the nearest number.
 *
 * @throws InferenceServerError INVALID_ARG, with a message that starts with `file:line:column: `, for
 * everything Triton refuses: wrong syntax, unknown fields and enum values, values of a wrong type or out of
 * range, a field or two members of a oneof given twice.
 */
export function parsePbtxt(text: string, options: ParsePbtxtOptions): ModelConfig {
  return parsePbtxtWithPositions(text, options).config;
}

/**
 * Like {@link parsePbtxt}, and tells where each part stands, for errors that are found later.
 *
 * @throws InferenceServerError as {@link parsePbtxt} does.
 */
export function parsePbtxtWithPositions(text: string, { file }: ParsePbtxtOptions): PositionedModelConfig {
  const tokens = new PbtxtTokens(createSource(text, file));
  const positions = new Map<string, Position>();
  const message = takeFields(openMessage(tokens, MODEL_CONFIG, '', positions));
  return { config: toModelConfig(message), positions };
}

/** A message that is being read: what it is, and what was read of it so far. */
interface OpenMessage {
  readonly tokens: PbtxtTokens;
  readonly type: MessageType;
  /** What the paths of its fields start with. */
  readonly prefix: string;
  readonly positions: Map<string, Position>;
  readonly values: Map<string, PlainValue>;
  readonly lists: Map<string, PlainValue[]>;
  readonly maps: Map<string, Map<string, PlainValue>>;
}

function openMessage(
  tokens: PbtxtTokens,
  type: MessageType,
  prefix: string,
  positions: Map<string, Position>,
): OpenMessage {
  return { tokens, type, prefix, positions, values: new Map(), lists: new Map(), maps: new Map() };
}

/**
 * Takes all fields of a message, up to the symbol that closes it, or to the end of the text when `open` is
 * absent.
 */
function takeFields(message: OpenMessage, open?: Token): PlainMessage {
  const { tokens } = message;
  while (!takeClose(tokens, open)) {
    takeField(message);
    if (!tokens.takeSymbol(',')) tokens.takeSymbol(';');
  }
  const maps = [...message.maps].map(([name, map]) => [name, Object.fromEntries(map)] as const);
  return Object.fromEntries([...message.values, ...message.lists, ...maps]);
}

function takeClose(tokens: PbtxtTokens, open: Token | undefined): boolean {
  if (open === undefined) return tokens.next.kind === 'end';
  const close = open.text === '<' ? '>' : '}';
  if (tokens.next.kind !== 'end') return tokens.takeSymbol(close);
  const { line, column } = positionAt(tokens.source, open.offset);
  const expected = `expected '${close}' to close the '${open.text}' at ${line}:${column}`;
  throw errorAt(tokens.source, tokens.next.offset, `${expected}, found the end of the file`);
}

function takeField(message: OpenMessage): void {
  const { tokens, type, positions } = message;
  const name = tokens.take();
  if (name.kind !== 'identifier') throw notAName(message, name);
  const field = type.fields.find((f) => f.name === name.text);
  if (field === undefined) throw errorAt(tokens.source, name.offset, unknownField(type, name.text));
  refuseSecond(message, field, name);
  const path = message.prefix + field.name;
  if (!positions.has(path)) positions.set(path, positionAt(tokens.source, name.offset));
  takeColon(tokens, field);
  if (field.fieldKind === 'list') takeRepeated(message, field, takeElement);
  else if (field.fieldKind === 'map') takeRepeated(message, field, takeEntry);
  else message.values.set(field.name, takeValue(message, field, path));
}

function notAName({ tokens, type }: OpenMessage, found: Token): InferenceServerError {
  const expected = `expected the name of a field of ${type.name}, found ${showToken(found)}`;
  const hint = found.text === '[' ? ': extensions and Any values are not part of a model configuration' : '';
  return errorAt(tokens.source, found.offset, expected + hint);
}

/** Refuses a field that is not repeated but given again, and a second member of a oneof. */
function refuseSecond(message: OpenMessage, field: FieldType, name: Token): void {
  const { source } = message.tokens;
  if (message.values.has(field.name)) {
    const first = firstPlace(message, field.name);
    throw errorAt(source, name.offset, `'${field.name}' is given a second time, first ${first}`);
  }
  const rival = oneofRival(field, (other) => message.values.has(other));
  if (rival === undefined) return;
  const place = firstPlace(message, rival);
  throw errorAt(
    source,
    name.offset,
    `'${field.name}' excludes '${rival}' ${place}: only one of them may be given`,
  );
}

function firstPlace({ prefix, positions }: OpenMessage, name: string): string {
  const { line, column } = positions.get(prefix + name) ?? { line: 1, column: 1 };
  return `at ${line}:${column}`;
}

/** Takes the colon after a field's name, which messages may do without. */
function takeColon(tokens: PbtxtTokens, field: FieldType): void {
  if (tokens.takeSymbol(':') || field.fieldKind === 'map' || field.message !== undefined) return;
  const found = showToken(tokens.next);
  throw errorAt(tokens.source, tokens.next.offset, `expected ':' after '${field.name}', found ${found}`);
}

type TakeOne = (message: OpenMessage, field: FieldType) => void;

/** Takes one value, or several as `[a, b]`. */
function takeRepeated(message: OpenMessage, field: FieldType, takeOne: TakeOne): void {
  const { tokens } = message;
  if (!tokens.takeSymbol('[')) {
    takeOne(message, field);
    return;
  }
  if (tokens.takeSymbol(']')) return;
  do takeOne(message, field);
  while (tokens.takeSymbol(','));
  if (tokens.takeSymbol(']')) return;
  const found = showToken(tokens.next);
  throw errorAt(
    tokens.source,
    tokens.next.offset,
    `expected ',' or ']' in the list of '${field.name}', found ${found}`,
  );
}

function takeElement(message: OpenMessage, field: FieldType): void {
  const list = message.lists.get(field.name) ?? [];
  message.lists.set(field.name, list);
  const path = `${message.prefix}${field.name}[${list.length}]`;
  message.positions.set(path, positionAt(message.tokens.source, message.tokens.next.offset));
  list.push(takeValue(message, field, path));
}

/**
 * Takes an entry of a map: a message with `key` and `value`. As in protobuf, the last of equal keys counts.
 */
function takeEntry(message: OpenMessage, field: FieldType): void {
  const { tokens, positions } = message;
  const map = message.maps.get(field.name) ?? new Map<string, PlainValue>();
  message.maps.set(field.name, map);
  const start = positionAt(tokens.source, tokens.next.offset);
  // The path of the entry is known only when its key has been read.
  const entryPositions = new Map<string, Position>();
  const entry = takeMessage(openMessage(tokens, mapEntryType(field), '', entryPositions), field);
  const key = toMapKey(entry['key'] ?? defaultElement({ scalar: field.mapKey }));
  map.set(key, entry['value'] ?? defaultElement(field));
  const path = `${message.prefix}${field.name}[${JSON.stringify(key)}]`;
  positions.set(path, start);
  for (const [inner, position] of entryPositions) {
    if (inner.startsWith('value.')) positions.set(path + inner.slice('value'.length), position);
  }
}

function takeValue({ tokens, positions }: OpenMessage, field: FieldType, path: string): PlainValue {
  if (field.message === undefined) return takeScalar(tokens, field);
  return takeMessage(openMessage(tokens, field.message, `${path}.`, positions), field);
}

function takeMessage(message: OpenMessage, field: FieldType): PlainMessage {
  const { tokens } = message;
  const open = tokens.next;
  if (tokens.takeSymbol('{') || tokens.takeSymbol('<')) return takeFields(message, open);
  throw errorAt(tokens.source, open.offset, `expected '{' for '${field.name}', found ${showToken(open)}`);
}

/** Keys of maps are strings or numbers. */
function toMapKey(key: PlainValue): string {
  return typeof key === 'string' ? key : JSON.stringify(key);
}
