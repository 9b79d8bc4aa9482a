import type {
  ModelSequenceBatchingInitialState,
  ModelSequenceBatchingState,
} from '@nereid/protocol/model-config';
import { refuse, type ConfigCheck } from './check.ts';
import { checkModelFile } from './check-model-file.ts';

/** States that the server keeps for sequences (CFG-21). */
export function checkSequenceStates(check: ConfigCheck, states: readonly ModelSequenceBatchingState[]): void {
  const { name } = check.config;
  for (const [at, state] of states.entries()) {
    const path = `sequence_batching.state[${at}]`;
    const what = `sequence state '${state.input_name}' of ${name}`;
    if (state.input_name === '') refuse(check, path, `${what} must specify 'input_name'`);
    if (state.output_name === '') refuse(check, path, `${what} must specify 'output_name'`);
    if (state.data_type === 'TYPE_INVALID') refuse(check, path, `${what} must specify 'data_type'`);
    if (states.findIndex((other) => other.input_name === state.input_name) < at) {
      refuse(check, `${path}.input_name`, `${what} is specified more than once`);
    }
    const wrong = state.dims.find((dim) => dim < 1 && dim !== -1);
    if (wrong !== undefined) {
      refuse(check, `${path}.dims`, `${what} must have dims >= 1, or -1 for a variable one, found ${wrong}`);
    }
    checkInitialState(check, path, state);
    checkGrowable(check, path, state);
  }
}

function checkInitialState(check: ConfigCheck, statePath: string, state: ModelSequenceBatchingState): void {
  const [initial, ...others] = state.initial_state;
  if (initial === undefined) return;
  const what = `initial_state of state input '${state.input_name}' for ${check.config.name}`;
  const path = `${statePath}.initial_state[0]`;
  if (others.length > 0) refuse(check, `${statePath}.initial_state[1]`, `${what} can be given only once`);
  if (initial.name === '') {
    refuse(
      check,
      path,
      `Field 'name' must be set when using initial_state for state input '${state.input_name}' for ${check.config.name}`,
    );
  }
  if (initial.data_type !== state.data_type) {
    refuse(
      check,
      `${path}.data_type`,
      `${what} must have data type ${state.data_type}, found ${initial.data_type}`,
    );
  }
  checkInitialDims(check, path, state, initial);
  if (initial.data_file !== undefined) {
    checkModelFile(check, { path: `${path}.data_file`, folder: 'initial_state', file: initial.data_file });
  } else if (initial.zero_data === undefined) {
    refuse(check, path, `${what} must specify 'zero_data' or 'data_file'`);
  }
}

function checkInitialDims(
  check: ConfigCheck,
  path: string,
  state: ModelSequenceBatchingState,
  initial: ModelSequenceBatchingInitialState,
): void {
  const fits =
    initial.dims.length === state.dims.length &&
    initial.dims.every((dim, i) => dim >= 1 && (state.dims[i] === -1 || state.dims[i] === dim));
  if (fits) return;
  const rule = `initial_state of state input '${state.input_name}' for ${check.config.name} must have fixed dims that fit`;
  refuse(check, `${path}.dims`, `${rule} [${state.dims.join(',')}], found [${initial.dims.join(',')}]`);
}

function checkGrowable(check: ConfigCheck, path: string, state: ModelSequenceBatchingState): void {
  if (!state.use_growable_memory) return;
  const { name, instance_group: groups } = check.config;
  if (!state.use_same_buffer_for_input_output) {
    const rule = `'use_growable_memory' needs 'use_same_buffer_for_input_output' for state input '${state.input_name}'`;
    refuse(check, `${path}.use_growable_memory`, `${rule} of ${name}`);
  }
  if (groups.every(({ kind }) => kind === 'KIND_GPU')) return;
  const rule = `'use_growable_memory' can only work with KIND_GPU instance groups for state input '${state.input_name}'`;
  refuse(check, `${path}.use_growable_memory`, `${rule} of ${name}`);
}
