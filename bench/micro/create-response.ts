import type { InferRequestMessage, InferResponseMessage } from '@nereid/protocol';

/** What an identity model answers. */
export function createResponse({ modelName, id, inputs }: InferRequestMessage): InferResponseMessage {
  const outputs = inputs.map(({ datatype, shape, data = new Uint8Array(0) }) => ({
    name: 'Y',
    datatype,
    shape,
    data,
  }));
  return { modelName, modelVersion: '1', id, parameters: undefined, outputs };
}
