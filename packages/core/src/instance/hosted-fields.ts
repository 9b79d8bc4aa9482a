import type { Parameters } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { HostedRequestFields } from './hosted-request.ts';

const NO_PARAMETERS: Parameters = Object.freeze({});

/**
 * What a backend gets of a request.
 *
 * @param allOutputs - The model's outputs, for requests that name none.
 */
export function toHostedFields(
  request: InferenceRequest,
  allOutputs: readonly string[],
): HostedRequestFields {
  return {
    id: request.id,
    inputs: request.inputs,
    batchSize: request.batchSize,
    requestedOutputs: outputNames(request, allOutputs),
    parameters: request.parameters ?? NO_PARAMETERS,
    sequence: request.sequence,
    priority: request.priority,
    deadline: undefined,
    traceContext: request.trace?.context,
  };
}

/** Names of the outputs that a request wants. */
export function outputNames(request: InferenceRequest, allOutputs: readonly string[]): readonly string[] {
  if (request.requestedOutputs.length === 0) return allOutputs;
  return request.requestedOutputs.map((output) => output.name);
}
