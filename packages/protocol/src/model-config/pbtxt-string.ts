import { errorAt, type PbtxtSource } from './pbtxt-source.ts';
import type { Token } from './pbtxt-tokenizer.ts';

const SIMPLE_ESCAPES: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['v', 11],
  ['f', 12],
  ['r', 13],
  ['"', 34],
  ["'", 39],
  ['?', 63],
  ['\\', 92],
]);

const OCTAL = /^[0-7]{1,3}/;
const HEX = /^[xX][\da-fA-F]{1,2}/;
const UNICODE = /^(?:u[\da-fA-F]{4}|U[\da-fA-F]{8})/;
const SURROGATE_PAIR = /^u([dD][89abAB][\da-fA-F]{2})\\u([dD][c-fC-F][\da-fA-F]{2})/;
const LONGEST_ESCAPE = 'uD83D\\uDE00'.length;

/**
 * The text that string tokens side by side stand for. Escapes may write UTF-8 byte by byte, even across
 * tokens.
 */
export function decodeStrings(source: PbtxtSource, tokens: readonly Token[]): string {
  if (tokens.every(isPlain)) return tokens.map(bodyOf).join('');
  const chunks = tokens.flatMap((token) => unescape(source, token));
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode();
  } catch {
    throw errorAt(source, tokens[0]?.offset ?? 0, 'expected text, found a string whose bytes are not UTF-8');
  }
}

/** Whether a string's bytes are those of its characters: nothing in it is escaped, and none is half of one. */
function isPlain({ text }: Token): boolean {
  return !text.includes('\\') && text.isWellFormed();
}

/** A string without its quotes. */
function bodyOf({ text }: Token): string {
  return text.slice(1, -1);
}

function unescape(source: PbtxtSource, token: Token): Uint8Array[] {
  const body = bodyOf(token);
  const encoder = new TextEncoder();
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (let slash = body.indexOf('\\'); slash !== -1; slash = body.indexOf('\\', start)) {
    chunks.push(encoder.encode(body.slice(start, slash)));
    const escape = readEscape(body.slice(slash + 1, slash + 1 + LONGEST_ESCAPE));
    if (escape === undefined) {
      const text = body.slice(slash, slash + 2);
      throw errorAt(source, token.offset + 1 + slash, `unknown escape '${text}' in a string`);
    }
    chunks.push(escape.bytes);
    start = slash + 1 + escape.length;
  }
  chunks.push(encoder.encode(body.slice(start)));
  return chunks;
}

/** The bytes an escape stands for, and its length in the text without the backslash. */
interface Escape {
  readonly bytes: Uint8Array;
  readonly length: number;
}

function readEscape(text: string): Escape | undefined {
  const simple = SIMPLE_ESCAPES.get(text.charAt(0));
  if (simple !== undefined) return { bytes: Uint8Array.of(simple), length: 1 };
  const octal = OCTAL.exec(text)?.[0];
  if (octal !== undefined) return { bytes: Uint8Array.of(Number.parseInt(octal, 8)), length: octal.length };
  const hex = HEX.exec(text)?.[0];
  if (hex !== undefined)
    return { bytes: Uint8Array.of(Number.parseInt(hex.slice(1), 16)), length: hex.length };
  return readUnicodeEscape(text);
}

function readUnicodeEscape(text: string): Escape | undefined {
  const pair = SURROGATE_PAIR.exec(text);
  if (pair !== null) {
    const [escape, high = '', low = ''] = pair;
    const character = String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16));
    return { bytes: new TextEncoder().encode(character), length: escape.length };
  }
  const escape = UNICODE.exec(text)?.[0];
  if (escape === undefined) return undefined;
  const code = Number.parseInt(escape.slice(1), 16);
  const isCharacter = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  if (!isCharacter) return undefined;
  return { bytes: new TextEncoder().encode(String.fromCodePoint(code)), length: escape.length };
}
