import type { Comparison, Expression, TensorFunction } from './expression.ts';
import { tokenize, type Token } from './expression-token.ts';
import { ExpressionSyntaxError } from './expression-syntax-error.ts';

/** Deeper nesting is refused: a condition is read by people. */
const MAX_DEPTH = 50;

const COMPARISONS: ReadonlySet<string> = new Set<Comparison>(['==', '!=', '<', '<=', '>', '>=']);
const FUNCTIONS: ReadonlySet<string> = new Set<TensorFunction>(['min', 'max', 'any', 'all', 'count']);

/**
 * Parses a condition:
 *
 * ```
 * or      = and { "||" and }
 * and     = not { "&&" not }
 * not     = "!" not | compare
 * compare = value [ ("==" | "!=" | "<" | "<=" | ">" | ">=") value ]
 * value   = number | "text" | true | false | name | "(" or ")"
 *         | has(name) | has(param("p")) | param("p") | tensor("name") | (min | max | any | all | count)(name)
 * ```
 *
 * @throws ExpressionSyntaxError with the place in the text.
 */
export function parseExpression(text: string): Expression {
  const parser = new Parser(tokenize(text));
  const expression = parser.or(0);
  parser.expectEnd();
  return expression;
}

class Parser {
  readonly #tokens: readonly Token[];
  #next = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  or(depth: number): Expression {
    if (depth > MAX_DEPTH)
      throw new ExpressionSyntaxError(this.#peek().at, `nested deeper than ${MAX_DEPTH}`);
    let left = this.#and(depth);
    for (let token = this.#take('||'); token !== undefined; token = this.#take('||')) {
      left = { kind: 'or', left, right: this.#and(depth), at: token.at };
    }
    return left;
  }

  expectEnd(): void {
    if (this.#peek().kind !== 'end') this.#fail("an operator or the condition's end");
  }

  #and(depth: number): Expression {
    let left = this.#not(depth);
    for (let token = this.#take('&&'); token !== undefined; token = this.#take('&&')) {
      left = { kind: 'and', left, right: this.#not(depth), at: token.at };
    }
    return left;
  }

  #not(depth: number): Expression {
    const token = this.#take('!');
    if (token === undefined) return this.#compare(depth);
    if (depth > MAX_DEPTH) throw new ExpressionSyntaxError(token.at, `nested deeper than ${MAX_DEPTH}`);
    return { kind: 'not', operand: this.#not(depth + 1), at: token.at };
  }

  #compare(depth: number): Expression {
    const left = this.#value(depth);
    const token = this.#peek();
    if (token.kind !== 'symbol' || !isComparison(token.text)) return left;
    this.#next += 1;
    return { kind: 'compare', operator: token.text, left, right: this.#value(depth), at: token.at };
  }

  #value(depth: number): Expression {
    const token = this.#peek();
    if (token.kind === 'number' || token.kind === 'text') {
      this.#next += 1;
      return { kind: 'literal', value: token.kind === 'number' ? Number(token.text) : token.text };
    }
    if (token.kind === 'name') return this.#named(token);
    if (this.#take('(') === undefined) return this.#fail('a value');
    const inner = this.or(depth + 1);
    this.#expect(')');
    return inner;
  }

  /** A word: a constant, a function, or the name of a tensor. */
  #named(token: Token): Expression {
    this.#next += 1;
    if (token.text === 'true' || token.text === 'false')
      return { kind: 'literal', value: token.text === 'true' };
    if (this.#take('(') === undefined) return { kind: 'tensor', name: token.text, at: token.at };
    const call = this.#call(token);
    this.#expect(')');
    return call;
  }

  #call({ text, at }: Token): Expression {
    if (isFunction(text)) return { kind: 'reduce', by: text, ...this.#tensor() };
    if (text === 'param') return { kind: 'parameter', name: this.#text() };
    if (text === 'tensor') return { kind: 'tensor', name: this.#text(), at };
    if (text === 'has') return { kind: 'has', of: this.#tensorOrParameter() };
    const known = ['has', 'param', 'tensor', ...FUNCTIONS].join(', ');
    throw new ExpressionSyntaxError(at, `unknown function '${text}', expected one of ${known}`);
  }

  #tensorOrParameter(): Extract<Expression, { kind: 'tensor' | 'parameter' }> {
    const token = this.#peek();
    const found = token.kind === 'name' ? this.#named(token) : undefined;
    if (found?.kind === 'tensor' || found?.kind === 'parameter') return found;
    throw new ExpressionSyntaxError(token.at, 'expected the name of a tensor or param("…") in has(…)');
  }

  #tensor(): { readonly name: string; readonly at: number } {
    const found = this.#tensorOrParameter();
    if (found.kind === 'tensor') return { name: found.name, at: found.at };
    throw new ExpressionSyntaxError(this.#peek().at, 'expected the name of a tensor, found a parameter');
  }

  #text(): string {
    const token = this.#peek();
    if (token.kind !== 'text') return this.#fail('a name in quotes');
    this.#next += 1;
    return token.text;
  }

  #peek(): Token {
    return this.#tokens[this.#next] ?? { kind: 'end', text: '', at: this.#tokens.at(-1)?.at ?? 0 };
  }

  #take(symbol: string): Token | undefined {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return undefined;
    this.#next += 1;
    return token;
  }

  #expect(symbol: string): void {
    if (this.#take(symbol) === undefined) this.#fail(`'${symbol}'`);
  }

  #fail(expected: string): never {
    const { kind, text, at } = this.#peek();
    throw new ExpressionSyntaxError(
      at,
      `expected ${expected}, found ${kind === 'end' ? 'its end' : `'${text}'`}`,
    );
  }
}

function isComparison(text: string): text is Comparison {
  return COMPARISONS.has(text);
}

function isFunction(text: string): text is TensorFunction {
  return FUNCTIONS.has(text);
}
