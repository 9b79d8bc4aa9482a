import type { InferRequestMessage } from '@nereid/protocol';

/** A request for model 'm' that asks for nothing special, as it came; everything may be overridden. */
export function buildInferMessage(fields: Partial<InferRequestMessage> = {}): InferRequestMessage {
  return {
    modelName: 'm',
    modelVersion: '',
    id: '',
    inputs: [],
    outputs: [],
    binaryDataOutput: false,
    priority: 0,
    timeoutUs: 0,
    sequence: undefined,
    parameters: {},
    ...fields,
  };
}
