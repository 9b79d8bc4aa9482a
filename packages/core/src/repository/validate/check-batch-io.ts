import { refuse, type ConfigCheck } from './check.ts';

/** Batch inputs and batch outputs (CFG-33). */
export function checkBatchIo(check: ConfigCheck): void {
  const { name, batch_input: inputs } = check.config;
  for (const [at, input] of inputs.entries()) {
    const path = `batch_input[${at}]`;
    if (input.target_name.length === 0) {
      refuse(check, path, `batch input kind '${input.kind}' must specify 'target_name' for ${name}`);
    }
    checkSource(check, path, `batch input kind '${input.kind}'`, input.source_input);
    if (input.data_type !== 'TYPE_INT32' && input.data_type !== 'TYPE_FP32') {
      const rule = `batch input data type must be TYPE_INT32 or TYPE_FP32 for ${name}`;
      refuse(check, `${path}.data_type`, `${rule}, found ${input.data_type}`);
    }
  }
  checkBatchOutputs(check);
}

function checkBatchOutputs(check: ConfigCheck): void {
  const { name, batch_output: outputs } = check.config;
  const known = new Set(check.config.output.map((output) => output.name));
  for (const [at, output] of outputs.entries()) {
    const path = `batch_output[${at}]`;
    checkSource(check, path, `batch output kind '${output.kind}'`, output.source_input);
    for (const [index, target] of output.target_name.entries()) {
      const targetPath = `${path}.target_name[${index}]`;
      if (!known.has(target)) refuse(check, targetPath, `unknown target output name '${target}' for ${name}`);
      if (output.target_name.indexOf(target) < index) {
        refuse(check, targetPath, `target output name '${target}' can only be specified once for ${name}`);
      }
    }
  }
}

function checkSource(check: ConfigCheck, path: string, what: string, sources: readonly string[]): void {
  const { name, input: inputs } = check.config;
  const [source] = sources;
  if (source === undefined || sources.length > 1) {
    refuse(
      check,
      `${path}.source_input`,
      `${what} expects 1 source input, got ${sources.length} for ${name}`,
    );
  }
  if (inputs.some((input) => input.name === source)) return;
  refuse(check, `${path}.source_input`, `unknown source input name '${source}' for ${name}`);
}
