import { elementCount, InferenceServerError, shapeToString, type Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendRequest } from './backend-request.ts';
import { createBatchInputs } from './batch-input.ts';
import { concatenateBytes } from './batched-tensor.ts';

/** The fields of a configuration that decide how inputs are put together. */
export type BatchingConfig = Pick<ModelConfig, 'max_batch_size' | 'input' | 'batch_input'>;

/**
 * Puts the inputs of a batch together: one tensor for each input, the requests' rows one after another along the
 * first dimension, in the order of the requests. Where the parts already lie back to back in memory, as the server
 * lays batches out, the result is a view and nothing is copied.
 *
 * Inputs with `allow_ragged_batch` become one flat tensor `[total elements]`. The tensors of `batch_input` come
 * after the inputs. Optional inputs that were left out are absent: all requests of a batch leave out the same.
 *
 * @param config - The model's configuration. Without it every input is batched along its first dimension.
 * @throws InferenceServerError INTERNAL when the requests give different inputs, or shapes that cannot be batched.
 */
export function collectInputs(
  requests: readonly BackendRequest[],
  config?: BatchingConfig,
): readonly Tensor[] {
  const [first] = requests;
  if (first === undefined) return [];
  const batches = config === undefined || config.max_batch_size > 0;
  if (!batches && requests.length > 1) {
    throw new InferenceServerError(
      'INTERNAL',
      `expected 1 request for a model that does not batch (max_batch_size 0), found ${requests.length}`,
    );
  }
  const ragged = batches && config !== undefined && config.input.some((input) => input.allow_ragged_batch);
  const inputs =
    requests.length === 1 && !ragged ? first.inputs : batchInputs(requests, ragged ? config : undefined);
  if (config === undefined || config.batch_input.length === 0) return inputs;
  return [...inputs, ...config.batch_input.flatMap((batchInput) => createBatchInputs(requests, batchInput))];
}

function batchInputs(requests: readonly BackendRequest[], config: BatchingConfig | undefined): Tensor[] {
  const first = requests[0]?.inputs ?? [];
  const tensors: Tensor[] = [];
  for (let index = 0; index < first.length; index += 1) {
    const parts = partsOf(requests, index);
    const name = first[index]?.name;
    const ragged = config?.input.some((input) => input.name === name && input.allow_ragged_batch) ?? false;
    tensors.push(ragged ? joinRagged(parts) : joinRows(parts));
  }
  return tensors;
}

/** The input at that place of every request. */
function partsOf(requests: readonly BackendRequest[], index: number): Tensor[] {
  const first = requests[0]?.inputs[index];
  return requests.map(({ inputs }) => {
    const part = inputs[index];
    if (part !== undefined && part.name === first?.name && inputs.length === requests[0]?.inputs.length)
      return part;
    throw new InferenceServerError(
      'INTERNAL',
      `expected input '${first?.name ?? ''}' in every request of the batch, found a request with ` +
        `[${inputs.map((input) => input.name).join(', ')}]`,
    );
  });
}

function joinRows(parts: readonly Tensor[]): Tensor {
  const { name, datatype, shape } = firstOf(parts);
  let rows = 0;
  for (const part of parts) {
    if (!sameRow(part.shape, shape)) {
      throw new InferenceServerError(
        'INTERNAL',
        `input '${name}': cannot batch shapes ${shapeToString(shape)} and ${shapeToString(part.shape)}`,
      );
    }
    rows += part.shape[0] ?? 0;
  }
  return { name, datatype, shape: [rows, ...shape.slice(1)], data: concatenateBytes(parts) };
}

function joinRagged(parts: readonly Tensor[]): Tensor {
  const { name, datatype } = firstOf(parts);
  let elements = 0;
  for (const { shape } of parts) elements += elementCount(shape);
  return { name, datatype, shape: [elements], data: concatenateBytes(parts) };
}

function firstOf(parts: readonly Tensor[]): Tensor {
  const [first] = parts;
  if (first === undefined) throw new InferenceServerError('INTERNAL', 'a batch has no requests');
  return first;
}

/** Whether two shapes differ in nothing but the batch dimension, which both must have. */
function sameRow(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length || a.length === 0) return false;
  for (let i = 1; i < a.length; i += 1) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}
