/** The tensors that `batch_input` asks for: values about the batch itself, mostly for ragged inputs. */
import { elementCount, InferenceServerError, type Tensor } from '@nereid/protocol';
import type { BatchInput } from '@nereid/protocol/model-config';
import type { BackendRequest } from './backend-request.ts';

/**
 * Makes the tensors of one `batch_input` entry, one for each of its `target_name`s.
 *
 * | kind | values | shape |
 * |---|---|---|
 * | `BATCH_ELEMENT_COUNT` | elements of the source input, per request | `[requests]` |
 * | `BATCH_ACCUMULATED_ELEMENT_COUNT` | running sum of the same | `[requests]` |
 * | `BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO` | 0, then the running sum | `[requests + 1]` |
 * | `BATCH_MAX_ELEMENT_COUNT_AS_SHAPE` | zeros: only the shape speaks | `[largest count]` |
 * | `BATCH_ITEM_SHAPE` | shape of the source without its batch dimension, per row | `[rows, rank]` |
 * | `BATCH_ITEM_SHAPE_FLATTEN` | the same | `[rows * rank]` |
 *
 * @throws InferenceServerError INTERNAL when a request lacks the source input; INVALID_ARG when the entry is wrong.
 */
export function createBatchInputs(requests: readonly BackendRequest[], batchInput: BatchInput): Tensor[] {
  const sources = sourcesOf(requests, batchInput);
  const { values, shape } = valuesOf(batchInput, sources);
  const array = toArray(batchInput, values);
  const data = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  const datatype = batchInput.data_type === 'TYPE_FP32' ? 'FP32' : 'INT32';
  return batchInput.target_name.map((name) => ({ name, datatype, shape, data }));
}

interface BatchInputValues {
  readonly values: readonly number[];
  readonly shape: readonly number[];
}

function valuesOf({ kind }: BatchInput, sources: readonly Tensor[]): BatchInputValues {
  const counts = sources.map(({ shape }) => elementCount(shape));
  switch (kind) {
    case 'BATCH_ELEMENT_COUNT':
      return flat(counts);
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT':
      return flat(runningSum(counts));
    case 'BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO':
      return flat([0, ...runningSum(counts)]);
    case 'BATCH_MAX_ELEMENT_COUNT_AS_SHAPE':
      return flat(Array.from({ length: Math.max(0, ...counts) }, () => 0));
    case 'BATCH_ITEM_SHAPE': {
      const rank = Math.max(0, (sources[0]?.shape.length ?? 0) - 1);
      const rows = sources.reduce((total, { shape }) => total + (shape[0] ?? 0), 0);
      return { values: itemShapes(sources), shape: [rows, rank] };
    }
    case 'BATCH_ITEM_SHAPE_FLATTEN':
      return flat(itemShapes(sources));
  }
}

function flat(values: readonly number[]): BatchInputValues {
  return { values, shape: [values.length] };
}

function runningSum(counts: readonly number[]): number[] {
  let sum = 0;
  return counts.map((count) => (sum += count));
}

function itemShapes(sources: readonly Tensor[]): number[] {
  return sources.flatMap(({ shape: [rows = 0, ...item] }) => Array.from({ length: rows }, () => item).flat());
}

function toArray({ data_type: dataType, target_name: targets }: BatchInput, values: readonly number[]) {
  if (dataType === 'TYPE_INT32') return Int32Array.from(values);
  if (dataType === 'TYPE_FP32') return Float32Array.from(values);
  throw new InferenceServerError(
    'INVALID_ARG',
    `batch_input '${targets.join(', ')}': data_type must be TYPE_INT32 or TYPE_FP32, found ${dataType}`,
  );
}

function sourcesOf(
  requests: readonly BackendRequest[],
  { source_input: names, target_name: targets }: BatchInput,
): Tensor[] {
  const [name = ''] = names;
  return requests.map((request) => {
    const source = request.input(name);
    if (source !== undefined) return source;
    throw new InferenceServerError(
      'INTERNAL',
      `batch_input '${targets.join(', ')}': expected source input '${name}' in every request of the batch`,
    );
  });
}
