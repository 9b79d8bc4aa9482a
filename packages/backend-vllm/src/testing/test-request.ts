import { createTensor, type Parameters, type Tensor } from '@nereid/backend-sdk';
import { buildRequest, type TestRequest } from '@nereid/backend-sdk/testing';

/** What a client asks: texts and truth values by the names of the inputs. */
export type GivenInputs = Readonly<Record<string, string | boolean | readonly string[]>>;

/** A request of a vLLM model. */
export function textRequest(inputs: GivenInputs, parameters: Parameters = {}): TestRequest {
  return buildRequest({
    inputs: Object.entries(inputs).map(([name, value]) => toTensor(name, value)),
    parameters,
    decoupled: true,
    batchSize: 1,
  });
}

function toTensor(name: string, value: string | boolean | readonly string[]): Tensor {
  if (typeof value === 'boolean') return createTensor(name, 'BOOL', [1], [value]);
  const values = typeof value === 'string' ? [value] : value;
  return createTensor(name, 'BYTES', [values.length], values);
}
