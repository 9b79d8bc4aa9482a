import type { InferInput, InferRequestMessage } from '@nereid/protocol';
import { resolveRequestedOutput } from './infer-requested-output.ts';
import type { InferOptions } from './inference-client.ts';

/** The request as the codecs take it, all defaults filled in. */
export function toInferRequestMessage(
  modelName: string,
  inputs: readonly InferInput[],
  options: InferOptions & { readonly binaryData?: boolean; readonly enableEmptyFinalResponse?: boolean },
): InferRequestMessage {
  const { sequence, binaryData = true, outputs = [] } = options;
  return {
    modelName,
    modelVersion: options.modelVersion ?? '',
    id: options.requestId ?? '',
    inputs,
    outputs: outputs.map((output) => resolveRequestedOutput(output, binaryData)),
    binaryDataOutput: binaryData && outputs.length === 0,
    priority: options.priority ?? 0,
    timeoutUs: options.timeoutUs ?? 0,
    sequence: sequence && { id: sequence.id, start: sequence.start ?? false, end: sequence.end ?? false },
    parameters: options.parameters,
    enableEmptyFinalResponse: options.enableEmptyFinalResponse ?? false,
  };
}
