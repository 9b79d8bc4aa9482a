import { InferenceRequest } from '../../packages/core/dist/request/inference-request.js';
import { createRequest } from '../models/infer-request.ts';

/** Requests as a scheduler sees them, each with one FP32 [1, 16]. Their answers go nowhere. */
export function createRequests(count: number): readonly InferenceRequest[] {
  const inputs = createRequest('m', [1, 16]).inputs.map(
    ({ name, datatype, shape, data = new Uint8Array(0) }) => ({
      name,
      datatype,
      shape,
      data,
    }),
  );
  const fields = {
    id: '',
    modelName: 'm',
    modelVersion: '1',
    inputs,
    requestedOutputs: [],
    batchSize: 1,
    priority: 1,
    timeoutUs: 0,
    sequence: undefined,
    parameters: undefined,
    trace: undefined,
  };
  return Array.from({ length: count }, () => new InferenceRequest(fields, () => {}));
}
