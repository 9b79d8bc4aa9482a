import type { Tensor } from '@nereid/protocol';
import {
  InferenceRequest,
  PLAIN_REQUEST,
  type InferenceRequestFields,
} from '../src/request/inference-request.ts';
import type { InferenceResponse } from '../src/response/inference-response.ts';

/** A request that remembers its responses. */
export interface RecordedRequest {
  readonly request: InferenceRequest;
  readonly responses: (InferenceResponse | undefined)[];
  readonly errors: () => string[];
  /** How many final responses there were. */
  readonly finals: () => number;
}

/** A request for tests; everything may be overridden. */
export function buildRequest(fields: Partial<InferenceRequestFields> = {}): RecordedRequest {
  const responses: (InferenceResponse | undefined)[] = [];
  let finals = 0;
  const request = new InferenceRequest(
    {
      ...PLAIN_REQUEST,
      modelName: 'm',
      modelVersion: '1',
      inputs: [],
      ...fields,
    },
    (response, final) => {
      responses.push(response);
      if (final) finals += 1;
    },
  );
  return {
    request,
    responses,
    finals: () => finals,
    errors: () => responses.flatMap((r) => (r?.error === undefined ? [] : [r.error.message])),
  };
}

/** An FP32 tensor. */
export function fp32(name: string, shape: readonly number[], values: readonly number[]): Tensor {
  return { name, datatype: 'FP32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}
