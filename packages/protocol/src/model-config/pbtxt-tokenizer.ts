import { errorAt, type PbtxtSource } from './pbtxt-source.ts';
import { shorten } from './shorten.ts';

/**
 * A word of a protobuf text: a name, a number, a quoted string (with its quotes), a single other character,
 * or the end of the text.
 */
export interface Token {
  readonly kind: 'identifier' | 'integer' | 'float' | 'string' | 'symbol' | 'end';
  /** As it stands in the text; '' at the end. */
  readonly text: string;
  /** Where it starts. */
  readonly offset: number;
}

const IDENTIFIER = /[A-Za-z_]\w*/y;
const NUMBER = /0[xX][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?/y;
const AFTER_NUMBER = /[\w.]*/y;
/** What no other kind of token begins with, and most tokens are. */
const COMMON_SYMBOLS = '{}[]:,';
const INTEGER = /^(?:0[xX][\da-fA-F]+|\d+)$/;

/** The words of a text one after the other, with a look at the next one. */
export class PbtxtTokens {
  readonly source: PbtxtSource;
  #next: Token;

  constructor(source: PbtxtSource) {
    this.source = source;
    this.#next = readToken(source, 0);
  }

  /** The next token, which stays the next one. */
  get next(): Token {
    return this.#next;
  }

  /** Takes the next token; at the end, the end token again and again. */
  take(): Token {
    const token = this.#next;
    this.#next = readToken(this.source, token.offset + token.text.length);
    return token;
  }

  /** Takes the next token if it is this symbol. */
  takeSymbol(symbol: string): boolean {
    const found = this.isSymbol(symbol);
    if (found) this.take();
    return found;
  }

  /** Whether the next token is this symbol. */
  isSymbol(symbol: string): boolean {
    return this.#next.kind === 'symbol' && this.#next.text === symbol;
  }
}

/** A token as error messages show it; a long one is cut short. */
export function showToken({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the file';
  return kind === 'string' ? shorten(text) : `'${shorten(text)}'`;
}

function readToken(source: PbtxtSource, start: number): Token {
  const { text } = source;
  const offset = skipBlanks(text, start);
  const first = text[offset];
  if (first === undefined) return { kind: 'end', text: '', offset };
  if (COMMON_SYMBOLS.includes(first)) return { kind: 'symbol', text: first, offset };
  const identifier = matchAt(IDENTIFIER, text, offset);
  if (identifier !== '') return { kind: 'identifier', text: identifier, offset };
  if (first === '"' || first === "'") return readString(source, offset);
  const number = matchAt(NUMBER, text, offset);
  return number === '' ? readSymbol(text, offset) : readNumber(source, offset, number);
}

/** Skips white space and comments, and a byte order mark at the start. */
function skipBlanks(text: string, start: number): number {
  let offset = start === 0 && text.startsWith('\uFEFF') ? 1 : start;
  for (;;) {
    const char = text[offset];
    if (char === '#') {
      const end = text.indexOf('\n', offset);
      offset = end === -1 ? text.length : end;
    } else if (char !== undefined && ' \t\r\n\v\f'.includes(char)) offset++;
    else return offset;
  }
}

function readNumber(source: PbtxtSource, offset: number, number: string): Token {
  const rest = matchAt(AFTER_NUMBER, source.text, offset + number.length);
  if (rest !== '') throw errorAt(source, offset, `expected a number, found '${shorten(number + rest)}'`);
  return { kind: INTEGER.test(number) ? 'integer' : 'float', text: number, offset };
}

function readString(source: PbtxtSource, offset: number): Token {
  const { text } = source;
  const quote = text[offset];
  for (let end = offset + 1; end < text.length && text[end] !== '\n'; end++) {
    if (text[end] === quote) return { kind: 'string', text: text.slice(offset, end + 1), offset };
    if (text[end] === '\\') end++;
  }
  throw errorAt(source, offset, `the string that starts here has no closing ${quote} on its line`);
}

function readSymbol(text: string, offset: number): Token {
  // By code point, so that messages never show half a character.
  return { kind: 'symbol', text: String.fromCodePoint(text.codePointAt(offset) ?? 0), offset };
}

function matchAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? '';
}
