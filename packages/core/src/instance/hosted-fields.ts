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
    timeoutUs: request.timeoutUs,
    deadline: deadlineOf(request),
    traceContext: request.trace?.context,
  };
}

/** Milliseconds since the epoch. Of use while the execution starts: it takes the time of that for now. */
export function deadlineOf({ timeoutUs, times: { arrived, started } }: InferenceRequest): number | undefined {
  if (timeoutUs <= 0) return undefined;
  return Date.now() + timeoutUs / 1e3 - (started - arrived) / 1e6;
}

/** Names of the outputs that a request wants. */
function outputNames(request: InferenceRequest, allOutputs: readonly string[]): readonly string[] {
  if (request.requestedOutputs.length === 0) return allOutputs;
  return request.requestedOutputs.map((output) => output.name);
}
