/** A finished trace as the records of a trace file: what Triton writes in mode `triton`. */
import type { Tensor } from '@nereid/protocol';
import type { RequestTrace, TracedTensors } from './request-trace.ts';
import { tensorText } from './tensor-text.ts';

/** The JSON records of a trace and of its children, one a line, separated by commas. */
export function formatTrace(trace: RequestTrace): string {
  return recordsOf(trace)
    .map((record) => JSON.stringify(record))
    .join(',\n');
}

function recordsOf(trace: RequestTrace): readonly object[] {
  const { id, levels, events, activities } = trace;
  const moments = levels.timestamps ? [{ id, timestamps: [...events, ...activities] }] : [];
  const tensors = trace.tensors.flatMap((seen) => tensorRecords(id, seen));
  return [headerOf(trace), ...moments, ...tensors, ...trace.children.flatMap(recordsOf)];
}

function headerOf({ id, modelName, modelVersion, requestId, parentId }: RequestTrace): object {
  return {
    id,
    model_name: modelName,
    // Triton's number, which its own tools expect; -1 stands for no version.
    model_version: modelVersion === '' ? -1 : Number(modelVersion),
    ...(requestId !== '' && { request_id: requestId }),
    ...(parentId !== undefined && { parent_id: parentId }),
  };
}

function tensorRecords(id: number, { activity, tensors }: TracedTensors): readonly object[] {
  return tensors.map((tensor: Tensor) => ({
    id,
    activity,
    tensor: {
      name: tensor.name,
      data: tensorText(tensor),
      shape: tensor.shape.join(','),
      dtype: tensor.datatype,
    },
  }));
}
