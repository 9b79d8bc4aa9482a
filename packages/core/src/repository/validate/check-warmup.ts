import { totalmem } from 'node:os';
import type { DataType, ModelWarmup, ModelWarmupInput } from '@nereid/protocol/model-config';
import { datatypeByteSize, elementCount, fromConfigDatatype, shapeToString } from '@nereid/protocol';
import { refuse, type CheckedTensor, type ConfigCheck } from './check.ts';
import { checkModelFile } from './check-model-file.ts';

/** Warm-up samples (CFG-29): they must make requests that the model accepts. */
export function checkWarmup(check: ConfigCheck): void {
  const { name, max_batch_size: maxBatchSize } = check.config;
  for (const [at, sample] of check.config.model_warmup.entries()) {
    const path = `model_warmup[${at}]`;
    if (sample.name === '') refuse(check, path, `warmup sample must specify 'name' for ${name}`);
    // A sample of batch size 0 is skipped.
    if (sample.batch_size === 0) continue;
    if (sample.batch_size > Math.max(1, maxBatchSize)) {
      const rule = `warmup sample '${sample.name}' must have a batch size <= ${Math.max(1, maxBatchSize)} for ${name}`;
      refuse(check, `${path}.batch_size`, `${rule}, found ${sample.batch_size}`);
    }
    checkGivenInputs(check, sample, path);
    for (const [inputName, input] of Object.entries(sample.inputs)) {
      checkInput(check, input, { inputName, sampleName: sample.name, path: inputPath(path, inputName) });
    }
  }
}

function inputPath(samplePath: string, inputName: string): string {
  return `${samplePath}.inputs[${JSON.stringify(inputName)}]`;
}

function checkGivenInputs(check: ConfigCheck, sample: ModelWarmup, path: string): void {
  const { config } = check;
  const given = Object.keys(sample.inputs);
  const own = config.input.filter(({ optional }) => !optional).map(({ name }) => name);
  // Samples go straight to the instances, past the sequence batcher, which makes these for requests.
  const controls = config.sequence_batching?.control_input.map(({ name }) => name) ?? [];
  const required = [...own, ...controls, ...(config.sequence_batching?.state ?? []).map((s) => s.input_name)];
  const missing = required.filter((name) => !given.includes(name));
  if (missing.length > 0) {
    const list = missing.map((name) => `'${name}'`).join(', ');
    refuse(
      check,
      path,
      `warmup sample '${sample.name}' is missing required input(s) [${list}] for model '${config.name}'`,
    );
  }
  const known = [...config.input.map(({ name }) => name), ...serverMadeNames(check)];
  for (const name of given) {
    if (known.includes(name)) continue;
    const rule = `unexpected inference input '${name}' for model '${config.name}', allowed are: ${known.join(', ')}`;
    refuse(check, inputPath(path, name), `warmup sample '${sample.name}': ${rule}`);
  }
}

/** Samples may also bring what the sequence batcher makes for requests. */
function serverMadeNames({ config }: ConfigCheck): readonly string[] {
  const { sequence_batching: sequence } = config;
  const controls = sequence?.control_input.map(({ name }) => name) ?? [];
  const states = sequence?.state.map(({ input_name: name }) => name) ?? [];
  return [...controls, ...states, ...config.batch_input.flatMap(({ target_name: names }) => names)];
}

interface CheckedInput {
  readonly inputName: string;
  readonly sampleName: string;
  readonly path: string;
}

function checkInput(
  check: ConfigCheck,
  input: ModelWarmupInput,
  { inputName, sampleName, path }: CheckedInput,
): void {
  const { config } = check;
  const what = `warmup sample '${sampleName}': inference input '${inputName}'`;
  const variable = input.dims.find((dim) => dim < 0);
  if (variable !== undefined) {
    refuse(
      check,
      `${path}.dims`,
      `${what} of model '${config.name}' must have fixed dimensions, found ${variable}`,
    );
  }
  if (input.input_data_file !== undefined) {
    checkModelFile(check, { path: `${path}.input_data_file`, folder: 'warmup', file: input.input_data_file });
  } else if (input.zero_data === undefined && input.random_data === undefined) {
    const rule = `must specify 'zero_data', 'random_data' or 'input_data_file'`;
    refuse(check, path, `${what} of model '${config.name}' ${rule}`);
  } else checkSize(check, input, { path, what });
  const declared = config.input.find(({ name }) => name === inputName);
  if (declared === undefined) return;
  if (declared.data_type !== input.data_type) {
    const found = `data-type is '${wireName(input.data_type)}'`;
    const rule = `but model '${config.name}' expects '${wireName(declared.data_type)}'`;
    refuse(check, path, `${what} ${found}, ${rule}`);
  }
  const fits =
    declared.dims.length === input.dims.length &&
    declared.dims.every((dim, at) => dim === -1 || dim === input.dims[at]);
  if (fits) return;
  const found = `has shape ${shapeToString(input.dims)}`;
  refuse(
    check,
    `${path}.dims`,
    `${what} ${found}, but model '${config.name}' expects ${shapeToString(declared.dims)}`,
  );
}

/** Data that the server makes must fit into the machine. */
function checkSize(check: ConfigCheck, input: ModelWarmupInput, { path, what }: CheckedTensor): void {
  const byteSize =
    elementCount(input.dims) * datatypeByteSize(fromConfigDatatype(input.data_type) ?? 'BYTES');
  if (byteSize <= totalmem()) return;
  const rule = `must fit into the memory of the machine, ${totalmem()} bytes`;
  const found = `${shapeToString(input.dims)} of ${wireName(input.data_type)} is ${byteSize} bytes`;
  refuse(check, `${path}.dims`, `${what} of model '${check.config.name}' ${rule}: ${found}`);
}

function wireName(dataType: DataType): string {
  return fromConfigDatatype(dataType) ?? dataType;
}
