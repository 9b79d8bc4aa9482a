/** How two values may be compared. */
export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=';

/** Functions over all elements of a tensor. */
export type TensorFunction = 'min' | 'max' | 'any' | 'all' | 'count';

/** A condition as parsed. `at` is the place in its text, from 0. */
export type Expression =
  | { readonly kind: 'literal'; readonly value: number | string | boolean }
  | { readonly kind: 'tensor'; readonly name: string; readonly at: number }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'has'; readonly of: TensorOrParameter }
  | {
      readonly kind: 'reduce';
      readonly by: TensorFunction;
      readonly name: string;
      readonly at: number;
    }
  | { readonly kind: 'not'; readonly operand: Expression; readonly at: number }
  | {
      readonly kind: 'and' | 'or';
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    }
  | {
      readonly kind: 'compare';
      readonly operator: Comparison;
      readonly left: Expression;
      readonly right: Expression;
      readonly at: number;
    };

/** What `has(…)` asks for. */
export type TensorOrParameter = Extract<Expression, { kind: 'tensor' | 'parameter' }>;

/** The tensors that a condition reads, each once. */
export function tensorsIn(expression: Expression): readonly string[] {
  return [...new Set(collectTensors(expression))];
}

function collectTensors(expression: Expression): readonly string[] {
  switch (expression.kind) {
    case 'literal':
    case 'parameter':
      return [];
    case 'tensor':
    case 'reduce':
      return [expression.name];
    case 'has':
      return collectTensors(expression.of);
    case 'not':
      return collectTensors(expression.operand);
    default:
      return [...collectTensors(expression.left), ...collectTensors(expression.right)];
  }
}
