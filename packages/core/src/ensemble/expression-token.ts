import { ExpressionSyntaxError } from './expression-syntax-error.ts';

/** A word of a condition. `text` of a text is what stands between its quotes. */
export interface Token {
  readonly kind: 'number' | 'text' | 'name' | 'symbol' | 'end';
  readonly text: string;
  /** Place in the condition, from 0. */
  readonly at: number;
}

/** Longer conditions are refused: the parser need not be fast, and what is longer is a mistake. */
const MAX_LENGTH = 4096;

/** What may come next, in the order of trying. A name may hold what tensors are commonly called. */
const PATTERNS = [
  ['number', /[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?/y],
  ['text', /"[^"]*"|'[^']*'/y],
  ['name', /[A-Za-z_][\w.:/]*/y],
  ['symbol', /&&|\|\||==|!=|<=|>=|[<>!()]/y],
] as const;

/** @throws ExpressionSyntaxError for a character that begins nothing. */
export function tokenize(text: string): readonly Token[] {
  if (text.length > MAX_LENGTH)
    throw new ExpressionSyntaxError(MAX_LENGTH, `longer than ${MAX_LENGTH} characters`);
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(text.charAt(at))) at += 1;
    if (at >= text.length) break;
    const token = nextToken(text, at);
    tokens.push(token);
    at += token.kind === 'text' ? token.text.length + 2 : token.text.length;
  }
  tokens.push({ kind: 'end', text: '', at: text.length });
  return tokens;
}

function nextToken(text: string, at: number): Token {
  for (const [kind, pattern] of PATTERNS) {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) return { kind, text: kind === 'text' ? found.slice(1, -1) : found, at };
  }
  throw new ExpressionSyntaxError(at, `unexpected '${text.charAt(at)}'`);
}
