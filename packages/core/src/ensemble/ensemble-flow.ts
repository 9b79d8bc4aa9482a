/** What an ensemble says beyond Triton, in its `parameters`: conditions of steps, defaults of tensors, an early end. */
import { parseJson, type JsonValue } from '@nereid/protocol/http';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { tensorsIn, type Expression } from './expression.ts';
import { ExpressionSyntaxError } from './expression-syntax-error.ts';
import { parseExpression } from './parse-expression.ts';

/** What a tensor is when the step that makes it was skipped. */
export type TensorDefault =
  | { readonly kind: 'tensor'; readonly name: string }
  /** Values of one row, as JSON: a list, or one value for all elements. */
  | { readonly kind: 'values'; readonly values: JsonValue };

/** The flow that the parameters of an ensemble declare; empty for one that is plain Triton. */
export interface EnsembleFlow {
  /** Conditions by place of the step. */
  readonly when: ReadonlyMap<number, Expression>;
  /** Defaults by tensor of the ensemble. */
  readonly defaults: ReadonlyMap<string, TensorDefault>;
  /** When it holds, the request is answered with what is there. */
  readonly end: Expression | undefined;
}

/** A parameter that can't be used. */
export class EnsembleFlowError extends Error {
  /** Name of the parameter. */
  readonly parameter: string;

  constructor(parameter: string, message: string) {
    super(message);
    this.parameter = parameter;
  }
}

/** The parameter that ends an ensemble early. */
export const END_PARAMETER = 'end.when';

/** Name of the parameter with the condition of a step. */
export function whenParameter(step: number): string {
  return `step.${step}.when`;
}

/** Name of the parameter with the default of a tensor. */
export function defaultParameter(tensor: string): string {
  return `tensor.${tensor}.default`;
}

/** Names that look as if they were meant for the flow. */
const MEANT_FOR_FLOW = /^(?:step\.\d+\.|tensor\..+\.default$|end\.)/;

/**
 * Reads the flow of an ensemble.
 *
 * @throws EnsembleFlowError for a condition that can't be read, and for a parameter with a misspelt name.
 */
export function readEnsembleFlow(config: ModelConfig): EnsembleFlow {
  const when = new Map<number, Expression>();
  const defaults = new Map<string, TensorDefault>();
  let end: Expression | undefined;
  for (const [name, { string_value: text }] of Object.entries(config.parameters)) {
    const step = /^step\.(\d+)\.when$/.exec(name)?.[1];
    const tensor = /^tensor\.(.+)\.default$/.exec(name)?.[1];
    if (step !== undefined) when.set(stepNumber(name, Number(step), config), conditionOf(name, text));
    else if (tensor !== undefined) defaults.set(tensor, parseDefault(text));
    else if (name === END_PARAMETER) end = conditionOf(name, text);
    else if (MEANT_FOR_FLOW.test(name)) {
      const known = `expected 'step.<n>.when', 'tensor.<name>.default' or '${END_PARAMETER}'`;
      throw new EnsembleFlowError(name, `parameter '${name}' of ensemble '${config.name}': ${known}`);
    }
  }
  return { when, defaults, end };
}

/** The tensors that must be known before a step is decided on, besides its inputs. */
export function tensorsBeforeStep(
  flow: EnsembleFlow,
  step: number,
  outputs: readonly string[],
): readonly string[] {
  const condition = flow.when.get(step);
  const fallbacks = outputs.flatMap((output) => {
    const found = flow.defaults.get(output);
    return found?.kind === 'tensor' ? [found.name] : [];
  });
  return [...(condition === undefined ? [] : tensorsIn(condition)), ...fallbacks];
}

function stepNumber(name: string, step: number, config: ModelConfig): number {
  const count = config.ensemble_scheduling?.step.length ?? 0;
  if (step < count) return step;
  throw new EnsembleFlowError(
    name,
    `parameter '${name}' of ensemble '${config.name}': there is no step ${step}, its steps are 0 to ${count - 1}`,
  );
}

function conditionOf(name: string, text: string): Expression {
  try {
    return parseExpression(text);
  } catch (error) {
    if (!(error instanceof ExpressionSyntaxError)) throw error;
    throw new EnsembleFlowError(name, `condition '${text}' of parameter '${name}', ${error.message}`);
  }
}

/** JSON is a constant; what is not JSON is the name of a tensor. */
function parseDefault(text: string): TensorDefault {
  try {
    return { kind: 'values', values: parseJson(text, { exact: true }) };
  } catch {
    return { kind: 'tensor', name: text };
  }
}
