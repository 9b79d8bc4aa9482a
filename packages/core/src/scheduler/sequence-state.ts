import {
  countBytesElements,
  datatypeByteSize,
  elementCount,
  fromConfigDatatype,
  InferenceServerError,
  shapeToString,
  type Tensor,
} from '@nereid/protocol';
import type { ModelConfig, ModelSequenceBatchingState } from '@nereid/protocol/model-config';
import { readInitialState } from './initial-state-file.ts';

/** The implicit state of a model: tensors that a step puts out and the next one gets. */
export interface SequenceState {
  /** Names of the outputs that carry it. */
  readonly outputNames: ReadonlySet<string>;
  /** The state inputs of the first step. */
  initial(): readonly Tensor[];
  /** The state inputs of the next step, from those of this one and its outputs. States not among these stay. */
  next(current: readonly Tensor[], outputs: readonly Tensor[]): readonly Tensor[];
}

interface StateRule {
  readonly outputName: string;
  readonly initial: Tensor;
  /** Whether the state of a sequence has one buffer for its whole life. */
  readonly inPlace: boolean;
}

/**
 * The implicit state that a configuration declares (CFG-21, SCH-20).
 *
 * @param modelDirectory - Its folder `initial_state` holds the files of initial states.
 * @throws InferenceServerError INVALID_ARG when such a file can't be read or has the wrong size.
 */
export function createSequenceState(config: ModelConfig, modelDirectory: string): SequenceState {
  const rules = (config.sequence_batching?.state ?? []).map((state): StateRule => ({
    outputName: state.output_name,
    initial: initialTensor(state, config, modelDirectory),
    inPlace: state.use_same_buffer_for_input_output,
  }));
  return {
    outputNames: new Set(rules.map(({ outputName }) => outputName)),
    initial: () =>
      rules.map(({ initial, inPlace }) =>
        inPlace ? { ...initial, data: new Uint8Array(initial.data) } : initial,
      ),
    next: (current, outputs) =>
      rules.map((rule, at) => {
        const state = current[at] ?? rule.initial;
        const output = outputs.find(({ name }) => name === rule.outputName);
        return output === undefined ? state : nextTensor(state, output, rule.inPlace);
      }),
  };
}

function nextTensor(state: Tensor, { datatype, shape, data }: Tensor, inPlace: boolean): Tensor {
  const { name } = state;
  if (!inPlace || state.data.byteLength !== data.byteLength)
    return { name, datatype, shape, data: inPlace ? new Uint8Array(data) : owned(data) };
  state.data.set(data);
  return { name, datatype, shape, data: state.data };
}

/** A small part of a large buffer, the outputs of a whole batch say, would keep all of it alive. */
function owned(data: Uint8Array): Uint8Array {
  return data.byteLength * 2 < data.buffer.byteLength ? new Uint8Array(data) : data;
}

function initialTensor(
  state: ModelSequenceBatchingState,
  config: ModelConfig,
  modelDirectory: string,
): Tensor {
  const name = state.input_name;
  const datatype = fromConfigDatatype(state.data_type) ?? 'FP32';
  const [initial] = state.initial_state;
  const dims = (initial?.dims ?? state.dims).map((dim) => (dim === -1 ? 1 : dim));
  const shape = config.max_batch_size > 0 ? [1, ...dims] : dims;
  const elements = elementCount(shape);
  const file = initial?.data_file;
  // Zeros are empty strings, too: each has a length of four bytes before it.
  const byteSize = elements * (datatype === 'BYTES' ? 4 : datatypeByteSize(datatype));
  if (file === undefined) return { name, datatype, shape, data: new Uint8Array(byteSize) };
  const data = readInitialState(modelDirectory, file, config.name);
  const expects = `initial state '${initial?.name ?? ''}' of model '${config.name}': file '${file}'`;
  if (datatype === 'BYTES') checkElements(data, elements, `${expects}, shape ${shapeToString(dims)},`);
  else if (data.byteLength !== byteSize)
    throw invalid(`${expects} has ${data.byteLength} bytes, expected ${byteSize}`);
  return { name, datatype, shape, data };
}

function checkElements(data: Uint8Array, expected: number, what: string): void {
  const { count, fault } = countBytesElements(data);
  if (count === expected && fault === undefined) return;
  const reason = fault === undefined ? `has ${count} strings` : `ends inside of string ${count}`;
  throw invalid(`${what} ${reason}, expected ${expected}`);
}

function invalid(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}
