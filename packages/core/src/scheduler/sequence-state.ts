import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  datatypeByteSize,
  elementCount,
  fromConfigDatatype,
  InferenceServerError,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig, ModelSequenceBatchingState } from '@nereid/protocol/model-config';

/** The implicit state of a model: tensors that a step puts out and the next one gets. */
export interface SequenceState {
  /** Names of the outputs that carry it. */
  readonly outputNames: ReadonlySet<string>;
  /** The state inputs of the first step. */
  initial(): readonly Tensor[];
  /** The state inputs of the next step, from the outputs of this one. */
  next(outputs: readonly Tensor[]): readonly Tensor[];
}

/**
 * The implicit state that a configuration declares (CFG-21).
 *
 * @param modelDirectory - Its folder `initial_state` holds the files of initial states.
 * @throws InferenceServerError INVALID_ARG when such a file can't be read or has the wrong size.
 */
export function createSequenceState(config: ModelConfig, modelDirectory: string): SequenceState {
  const states = config.sequence_batching?.state ?? [];
  const initial = states.map((state) => initialTensor(state, config, modelDirectory));
  const byOutput = new Map(states.map((state) => [state.output_name, state.input_name]));
  return {
    outputNames: new Set(byOutput.keys()),
    initial: () => initial,
    next: (outputs) =>
      outputs.flatMap((output) => {
        const name = byOutput.get(output.name);
        return name === undefined ? [] : [{ ...output, name }];
      }),
  };
}

function initialTensor(
  state: ModelSequenceBatchingState,
  config: ModelConfig,
  modelDirectory: string,
): Tensor {
  const datatype = fromConfigDatatype(state.data_type) ?? 'FP32';
  const [initial] = state.initial_state;
  const dims = (initial?.dims ?? state.dims).map((dim) => (dim === -1 ? 1 : dim));
  const shape = config.max_batch_size > 0 ? [1, ...dims] : dims;
  const byteSize = elementCount(shape) * Math.max(datatypeByteSize(datatype), datatype === 'BYTES' ? 4 : 1);
  const file = initial?.data_file;
  if (file === undefined) return { name: state.input_name, datatype, shape, data: new Uint8Array(byteSize) };
  const data = readState(join(modelDirectory, 'initial_state', file), config.name);
  if (datatype !== 'BYTES' && data.byteLength !== byteSize) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `initial state '${initial?.name ?? ''}' of model '${config.name}': file '${file}' has ${data.byteLength} bytes, expected ${byteSize}`,
    );
  }
  return { name: state.input_name, datatype, shape, data };
}

function readState(path: string, modelName: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError(
      'INVALID_ARG',
      `initial state of model '${modelName}' can't be read: ${reason}`,
      { cause },
    );
  }
}
