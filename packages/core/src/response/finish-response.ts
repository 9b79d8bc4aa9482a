import { InferenceServerError, type InferOutput, type InferRequestedOutput } from '@nereid/protocol';
import type { ModelOutput } from '@nereid/protocol/model-config';
import { classify } from './classification.ts';
import { errorResponse, type InferenceResponse } from './inference-response.ts';

/** What turns a backend's outputs into what clients see. Made once for each model version. */
export interface OutputRules {
  readonly byName: ReadonlyMap<string, ModelOutput>;
  readonly hasBatch: boolean;
  readonly labels: ReadonlyMap<string, readonly string[]>;
  /** Whether any output has a `reshape`. */
  readonly reshapes: boolean;
}

export function createOutputRules(
  outputs: readonly ModelOutput[],
  maxBatchSize: number,
  labels: ReadonlyMap<string, readonly string[]>,
): OutputRules {
  return {
    byName: new Map(outputs.map((output) => [output.name, output])),
    hasBatch: maxBatchSize > 0,
    labels,
    reshapes: outputs.some((output) => output.reshape !== undefined),
  };
}

/**
 * A backend's response as the client gets it: outputs it asked for and the model declares, in the shapes of the
 * configuration, classified where asked. Becomes an error when that is not possible.
 */
export function finishResponse(
  response: InferenceResponse,
  rules: OutputRules,
  requested: readonly InferRequestedOutput[],
): InferenceResponse {
  if (response.error !== undefined) return response;
  if (isPlain(response, rules, requested)) return response;
  try {
    const outputs = response.outputs.flatMap((output) => {
      const declared = rules.byName.get(output.name);
      const wanted = requested.find(({ name }) => name === output.name);
      if (declared === undefined || (requested.length > 0 && wanted === undefined)) return [];
      const tensor = declared.reshape === undefined ? output : reshapeBack(output, declared, rules.hasBatch);
      const count = wanted?.classification ?? 0;
      if (count === 0) return [tensor];
      return [
        classify(tensor, { count, labels: rules.labels.get(output.name) ?? [], hasBatch: rules.hasBatch }),
      ];
    });
    return { ...response, outputs };
  } catch (error) {
    return errorResponse(InferenceServerError.from(error));
  }
}

/** Whether a response can be handed on as it is. Hot path: the usual case. */
function isPlain(
  { outputs }: InferenceResponse,
  rules: OutputRules,
  requested: readonly InferRequestedOutput[],
): boolean {
  if (rules.reshapes) return false;
  for (const { name } of outputs) if (!rules.byName.has(name)) return false;
  if (requested.length === 0) return true;
  if (requested.length !== outputs.length) return false;
  for (const [at, { name, classification }] of requested.entries()) {
    if (classification !== 0 || outputs[at]?.name !== name) return false;
  }
  return true;
}

/** The declared dims in place of the backend's shape; variable ones filled in from it. */
function reshapeBack(tensor: InferOutput, { dims, reshape }: ModelOutput, hasBatch: boolean): InferOutput {
  const batch = hasBatch ? tensor.shape.slice(0, 1) : [];
  const inner = tensor.shape.slice(batch.length);
  const variable = inner.filter((_, at) => reshape?.shape[at] === -1);
  let next = 0;
  const shape = [...batch, ...dims.map((dim) => (dim === -1 ? (variable[next++] ?? 0) : dim))];
  return { ...tensor, shape };
}
