/** Checks at load that conditions compare what can be compared. */
import type { EnsembleFlow } from '../ensemble/ensemble-flow.ts';
import { END_PARAMETER, whenParameter } from '../ensemble/ensemble-flow.ts';
import type { Expression } from '../ensemble/expression.ts';
import type { EnsembleTensorFacts, RefuseEnsemble } from './ensemble-checks.ts';

/** 'any' is a parameter of the request: nobody knows before it comes. */
type ExpressionType = 'number' | 'text' | 'flag' | 'any';

/** Datatypes that conditions don't read. */
const UNREADABLE: ReadonlySet<string> = new Set(['TYPE_FP16', 'TYPE_BF16']);

/** @throws What `refuse` throws, for the first condition that compares a number with a text, or the like. */
export function checkConditionTypes(
  flow: EnsembleFlow,
  facts: EnsembleTensorFacts,
  refuse: RefuseEnsemble,
): void {
  for (const [step, condition] of flow.when)
    new TypeChecker(whenParameter(step), facts, refuse).check(condition);
  if (flow.end !== undefined) new TypeChecker(END_PARAMETER, facts, refuse).check(flow.end);
}

class TypeChecker {
  readonly #parameter: string;
  readonly #facts: EnsembleTensorFacts;
  readonly #refuse: RefuseEnsemble;

  constructor(parameter: string, facts: EnsembleTensorFacts, refuse: RefuseEnsemble) {
    this.#parameter = parameter;
    this.#facts = facts;
    this.#refuse = refuse;
  }

  check(condition: Expression): void {
    if (this.#typeOf(condition) === 'text')
      this.#fail(0, 'is a text, expected a condition; compare it with another text');
  }

  #typeOf(expression: Expression): ExpressionType {
    switch (expression.kind) {
      case 'literal':
        return typeOfLiteral(expression.value);
      case 'parameter':
        return 'any';
      case 'tensor':
        return this.#typeOfTensor(expression.name, expression.at);
      case 'has':
        return 'flag';
      case 'reduce': {
        if (expression.by === 'count') return 'number';
        const element = this.#typeOfTensor(expression.name, expression.at);
        return expression.by === 'any' || expression.by === 'all' ? 'flag' : element;
      }
      case 'not':
        this.#check(expression.operand, expression.at);
        return 'flag';
      case 'compare':
        this.#checkComparison(expression);
        return 'flag';
      default:
        this.#check(expression.left, expression.at);
        this.#check(expression.right, expression.at);
        return 'flag';
    }
  }

  #check(operand: Expression, at: number): void {
    if (this.#typeOf(operand) === 'text') this.#fail(at, 'needs conditions on its sides, found a text');
  }

  #checkComparison({ operator, left, right, at }: Extract<Expression, { readonly kind: 'compare' }>): void {
    const types = [this.#typeOf(left), this.#typeOf(right)] as const;
    if (types.includes('any') || types[0] === types[1]) return;
    this.#fail(at, `'${operator}' can't compare a ${types[0]} with a ${types[1]}`);
  }

  #typeOfTensor(name: string, at: number): ExpressionType {
    const datatype = this.#facts.get(name)?.datatype ?? '';
    if (UNREADABLE.has(datatype))
      this.#fail(at, `tensor '${name}' is ${datatype}, which conditions can't read`);
    if (datatype === 'TYPE_STRING') return 'text';
    return datatype === 'TYPE_BOOL' ? 'flag' : 'number';
  }

  #fail(at: number, what: string): never {
    return this.#refuse(
      `parameters[${JSON.stringify(this.#parameter)}]`,
      `parameter '${this.#parameter}', at character ${at + 1}: ${what}`,
    );
  }
}

function typeOfLiteral(value: number | string | boolean): ExpressionType {
  if (typeof value === 'number') return 'number';
  return typeof value === 'string' ? 'text' : 'flag';
}
