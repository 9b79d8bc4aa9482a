/**
 * JSON as Triton reads it: RFC 8259 plus the bare numbers NaN, Inf and Infinity, and errors that name the offset.
 * `JSON.parse` does the work whenever it can; the parser here takes over for texts that it refuses, and where the
 * way a number is written matters.
 */
import { InferenceServerError } from '../inference-server-error.ts';

/** A whole number that was written with a fraction, an exponent or too many digits: `1.0`, `2e3`. */
export class JsonDouble {
  readonly value: number;

  constructor(value: number) {
    this.value = value;
  }
}

/** A JSON value. `bigint` and {@link JsonDouble} appear only in exact mode. */
export type JsonValue =
  null | boolean | number | bigint | string | JsonDouble | readonly JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [name: string]: JsonValue;
}

/** How to read a JSON text. */
export interface ParseJsonOptions {
  /**
   * Exact mode keeps what a double cannot: integers beyond 2^53 become bigints, and whole numbers that were not
   * written as integers become {@link JsonDouble}. Several times slower. Default: false.
   */
  readonly exact?: boolean;
  /** What the text is, for the error message. Default: `request`. */
  readonly subject?: 'request' | 'response';
}

/**
 * Parses a JSON text.
 *
 * @throws InferenceServerError INTERNAL with Triton's text ("failed to parse the request JSON buffer: Invalid value.
 *   at 12", the offset in bytes), INVALID_ARG when values are nested too deeply.
 */
export function parseJson(text: string, options: ParseJsonOptions = {}): JsonValue {
  const { exact = false, subject = 'request' } = options;
  if (!exact) {
    try {
      return JSON.parse(text) as JsonValue;
    } catch {
      // Either a bare NaN or an error, for which the parser below has the words.
    }
  }
  return readDocument({ text, exact, subject, position: 0, depth: 0 });
}

/** Deeper than the 100 levels that a tensor may have, since the tensor itself lies inside of the request. */
const MAX_DEPTH = 128;
/** Digits, sign included, of the longest 64-bit integer; more make a double. */
const MAX_INTEGER_LENGTH = 20;

interface Cursor {
  readonly text: string;
  readonly exact: boolean;
  readonly subject: string;
  position: number;
  depth: number;
}

function readDocument(cursor: Cursor): JsonValue {
  if (cursor.text.startsWith('\uFEFF')) cursor.position = 1;
  if (peekToken(cursor) === '') fail(cursor, 'The document is empty.');
  const value = readValue(cursor);
  if (peekToken(cursor) !== '') fail(cursor, 'The document root must not be followed by other values.');
  return value;
}

function readValue(cursor: Cursor): JsonValue {
  switch (peekToken(cursor)) {
    case '{':
      return readNested(cursor, readObject);
    case '[':
      return readNested(cursor, readArray);
    case '"':
      return readString(cursor);
    case 't':
      return readWord(cursor, 'true', true);
    case 'f':
      return readWord(cursor, 'false', false);
    case 'n':
      return readWord(cursor, 'null', null);
    default:
      return readNumber(cursor);
  }
}

function readNested(cursor: Cursor, read: (cursor: Cursor) => JsonValue): JsonValue {
  if (++cursor.depth > MAX_DEPTH) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `JSON nesting depth exceeds maximum allowed limit (${MAX_DEPTH})`,
    );
  }
  cursor.position++;
  const value = read(cursor);
  cursor.depth--;
  return value;
}

function readObject(cursor: Cursor): JsonValue {
  const members: [string, JsonValue][] = [];
  if (skipToken(cursor, '}')) return {};
  do {
    if (peekToken(cursor) !== '"') fail(cursor, 'Missing a name for object member.');
    const name = readString(cursor);
    if (!skipToken(cursor, ':')) fail(cursor, 'Missing a colon after a name of object member.');
    members.push([name, readValue(cursor)]);
  } while (skipToken(cursor, ','));
  if (!skipToken(cursor, '}')) fail(cursor, 'Missing a comma or } after an object member.');
  // Unlike assignments, this takes `__proto__` for an ordinary name.
  return Object.fromEntries(members);
}

function readArray(cursor: Cursor): JsonValue {
  const elements: JsonValue[] = [];
  if (skipToken(cursor, ']')) return elements;
  do {
    elements.push(readValue(cursor));
  } while (skipToken(cursor, ','));
  if (!skipToken(cursor, ']')) fail(cursor, 'Missing a comma or ] after an array element.');
  return elements;
}

function readString(cursor: Cursor): string {
  const { text } = cursor;
  const start = cursor.position++;
  let escaped = false;
  for (; ; cursor.position++) {
    const code = text.charCodeAt(cursor.position);
    if (code === 0x22) break;
    if (code === 0x5c) {
      escaped = true;
      skipEscape(cursor);
    } else if (!(code >= 0x20)) {
      fail(cursor, code > 0 ? 'Invalid encoding in string.' : 'Missing a closing quotation mark in string.');
    }
  }
  cursor.position++;
  if (!escaped) return text.slice(start + 1, cursor.position - 1);
  return JSON.parse(text.slice(start, cursor.position)) as string;
}

/** From the backslash to the last character of the escape. */
function skipEscape(cursor: Cursor): void {
  const letter = cursor.text.charAt(cursor.position + 1);
  if (letter === 'u') {
    if (!/^[0-9a-fA-F]{4}$/.test(cursor.text.slice(cursor.position + 2, cursor.position + 6))) {
      fail(cursor, 'Incorrect hex digit after \\u escape in string.');
    }
    cursor.position += 5;
  } else {
    if (letter === '' || !'"\\/bfnrt'.includes(letter)) fail(cursor, 'Invalid escape character in string.');
    cursor.position++;
  }
}

function readNumber(cursor: Cursor): JsonValue {
  const start = cursor.position;
  if (cursor.text.charAt(start) === '-') cursor.position++;
  const first = cursor.text.charAt(cursor.position);
  if (first === 'N' || first === 'I') return readNonFinite(cursor, first, start);
  if (first === '0') cursor.position++;
  else if (!skipDigits(cursor)) fail(cursor, 'Invalid value.');
  const integerEnd = cursor.position;
  skipFraction(cursor);
  skipExponent(cursor);
  const literal = cursor.text.slice(start, cursor.position);
  return cursor.exact ? exactNumber(literal, cursor.position === integerEnd) : Number(literal);
}

function skipFraction(cursor: Cursor): void {
  if (cursor.text.charAt(cursor.position) !== '.') return;
  cursor.position++;
  if (!skipDigits(cursor)) fail(cursor, 'Miss fraction part in number.');
}

function skipExponent(cursor: Cursor): void {
  const letter = cursor.text.charAt(cursor.position);
  if (letter !== 'e' && letter !== 'E') return;
  const sign = cursor.text.charAt(++cursor.position);
  if (sign === '+' || sign === '-') cursor.position++;
  if (!skipDigits(cursor)) fail(cursor, 'Miss exponent in number.');
}

function exactNumber(literal: string, isInteger: boolean): number | bigint | JsonDouble {
  const value = Number(literal);
  if (isInteger && Number.isSafeInteger(value)) return value;
  if (isInteger && literal.length <= MAX_INTEGER_LENGTH) return BigInt(literal);
  return Number.isInteger(value) ? new JsonDouble(value) : value;
}

function readNonFinite(cursor: Cursor, first: 'N' | 'I', start: number): number {
  if (first === 'N') return readWord(cursor, 'NaN', Number.NaN);
  const infinity = cursor.text.startsWith('Infinity', cursor.position) ? 'Infinity' : 'Inf';
  return readWord(cursor, infinity, start === cursor.position ? Infinity : -Infinity);
}

function readWord<T>(cursor: Cursor, word: string, value: T): T {
  for (const letter of word) {
    if (cursor.text.charAt(cursor.position) !== letter) fail(cursor, 'Invalid value.');
    cursor.position++;
  }
  return value;
}

function skipDigits(cursor: Cursor): boolean {
  const start = cursor.position;
  let code = cursor.text.charCodeAt(start);
  while (code >= 0x30 && code <= 0x39) code = cursor.text.charCodeAt(++cursor.position);
  return cursor.position > start;
}

function skipToken(cursor: Cursor, token: string): boolean {
  if (peekToken(cursor) !== token) return false;
  cursor.position++;
  return true;
}

/** The next character that is not white space, '' at the end. */
function peekToken(cursor: Cursor): string {
  let code = cursor.text.charCodeAt(cursor.position);
  while (code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09) {
    code = cursor.text.charCodeAt(++cursor.position);
  }
  return cursor.text.charAt(cursor.position);
}

function fail(cursor: Cursor, problem: string): never {
  const offset = Buffer.byteLength(cursor.text.slice(0, cursor.position), 'utf8');
  throw new InferenceServerError(
    'INTERNAL',
    `failed to parse the ${cursor.subject} JSON buffer: ${problem} at ${offset}`,
  );
}
