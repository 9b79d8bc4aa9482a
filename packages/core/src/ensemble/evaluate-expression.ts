import type { Comparison, Expression, TensorFunction, TensorOrParameter } from './expression.ts';

/** A single value in a condition; undefined where a tensor or parameter is not there. */
export type Scalar = number | bigint | string | boolean | undefined;

/** The values that a condition is about. */
export interface ExpressionValues {
  /** The elements of a tensor; undefined when it is not there. */
  elements(tensor: string): readonly (number | bigint | string | boolean)[] | undefined;
  /** Whether a tensor is there. */
  hasTensor(tensor: string): boolean;
  /** A parameter of the request. */
  parameter(name: string): Scalar;
}

/** A tensor that stands for one value has none or several. */
export class NotOneValue extends Error {
  readonly tensor: string;
  readonly count: number;

  constructor(tensor: string, count: number) {
    super(`tensor '${tensor}' has ${count} elements, expected one`);
    this.tensor = tensor;
    this.count = count;
  }
}

/**
 * Whether a condition holds. What is not there counts as false, and so does every comparison with it.
 *
 * @throws NotOneValue when a tensor that is compared as a whole has not exactly one element.
 */
export function holds(expression: Expression, values: ExpressionValues): boolean {
  return isTrue(valueOf(expression, values));
}

function valueOf(expression: Expression, values: ExpressionValues): Scalar {
  switch (expression.kind) {
    case 'literal':
      return expression.value;
    case 'tensor':
      return onlyElement(expression.name, values);
    case 'parameter':
      return values.parameter(expression.name);
    case 'has':
      return isThere(expression.of, values);
    case 'reduce':
      return reduce(expression.by, values.elements(expression.name));
    case 'not':
      return !holds(expression.operand, values);
    case 'and':
      return holds(expression.left, values) && holds(expression.right, values);
    case 'or':
      return holds(expression.left, values) || holds(expression.right, values);
    case 'compare':
      return compare(
        expression.operator,
        valueOf(expression.left, values),
        valueOf(expression.right, values),
      );
  }
}

function onlyElement(tensor: string, values: ExpressionValues): Scalar {
  const elements = values.elements(tensor);
  if (elements === undefined) return undefined;
  if (elements.length !== 1) throw new NotOneValue(tensor, elements.length);
  return elements[0];
}

/** Booleans as they are, numbers unless 0, texts unless empty; false for what is not there. */
function isTrue(value: Scalar): boolean {
  return typeof value === 'number' ? value !== 0 && !Number.isNaN(value) : Boolean(value);
}

function reduce(by: TensorFunction, elements: readonly NonNullable<Scalar>[] | undefined): Scalar {
  if (elements === undefined) return undefined;
  switch (by) {
    case 'count':
      return elements.length;
    case 'any':
      return elements.some(isTrue);
    case 'all':
      return elements.every(isTrue);
    case 'min':
      return best(elements, '<');
    case 'max':
      return best(elements, '>');
  }
}

function best(elements: readonly NonNullable<Scalar>[], than: '<' | '>'): Scalar {
  let found: Scalar = elements[0];
  for (const element of elements) if (compare(than, element, found)) found = element;
  return found;
}

type Value = NonNullable<Scalar>;

const COMPARE: Readonly<Record<Comparison, (left: Value, right: Value) => boolean>> = {
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
  '==': isEqual,
  '!=': (left, right) => !isEqual(left, right),
};

/** Numbers of both kinds compare with each other, texts with texts; other pairs are different and have no order. */
function compare(operator: Comparison, left: Scalar, right: Scalar): boolean {
  if (left === undefined || right === undefined) return false;
  if (kindOf(left) !== kindOf(right)) return operator === '!=';
  return COMPARE[operator](left, right);
}

function isEqual(left: Value, right: Value): boolean {
  if (typeof left === typeof right) return left === right;
  // 1n and 1 are the same number here; neither is less then, and NaN is equal to nothing.
  return !Number.isNaN(left) && !Number.isNaN(right) && !(left < right) && !(left > right);
}

function kindOf(value: Value): string {
  return typeof value === 'bigint' ? 'number' : typeof value;
}

function isThere(what: TensorOrParameter, values: ExpressionValues): boolean {
  return what.kind === 'tensor' ? values.hasTensor(what.name) : values.parameter(what.name) !== undefined;
}
