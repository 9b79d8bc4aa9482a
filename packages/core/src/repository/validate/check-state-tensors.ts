import { refuse, type ConfigCheck } from './check.ts';

/**
 * States against the inputs and outputs of a complete configuration: the server makes a state's input, so requests
 * can't bring it; a state's output may be among the outputs, for clients to see, and is then the same tensor.
 */
export function checkStateTensors(check: ConfigCheck): void {
  const { name, input: inputs, output: outputs, sequence_batching: batching } = check.config;
  for (const [at, state] of (batching?.state ?? []).entries()) {
    const path = `sequence_batching.state[${at}]`;
    if (inputs.some((input) => input.name === state.input_name)) {
      const rule = `can't be listed among the inputs of ${name}, which requests must bring: the server makes it`;
      refuse(check, `${path}.input_name`, `sequence state input '${state.input_name}' ${rule}`);
    }
    const output = outputs.find((other) => other.name === state.output_name);
    if (output === undefined) continue;
    const what = `sequence state output '${state.output_name}' of ${name} is also an output and must have its`;
    if (output.data_type !== state.data_type) {
      refuse(check, `${path}.data_type`, `${what} data type ${output.data_type}, found ${state.data_type}`);
    }
    if (agree(output.reshape?.shape ?? output.dims, state.dims)) continue;
    const expected = (output.reshape?.shape ?? output.dims).join(',');
    refuse(check, `${path}.dims`, `${what} dims [${expected}], found [${state.dims.join(',')}]`);
  }
}

/** Whether some shape fits both. */
function agree(some: readonly number[], others: readonly number[]): boolean {
  return (
    some.length === others.length &&
    some.every((dim, at) => dim === -1 || others[at] === -1 || dim === others[at])
  );
}
