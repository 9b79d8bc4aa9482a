import type { ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import { refuse, type CheckedTensor, type ConfigCheck } from './check.ts';
import { checkModelFile } from './check-model-file.ts';
import { checkReshape } from './check-reshape.ts';

const TENSORRT_PLATFORM = 'tensorrt_plan';

/** Inputs and outputs (CFG-06, CFG-08, CFG-09, CFG-42). */
export function checkTensors(check: ConfigCheck): void {
  const { input, output } = check.config;
  for (const [at, tensor] of input.entries()) {
    checkTensor(check, 'input', at);
    checkInputFields(check, tensor, `input[${at}]`);
  }
  for (const [at, tensor] of output.entries()) {
    checkTensor(check, 'output', at);
    if (tensor.label_filename === '') continue;
    checkModelFile(check, { path: `output[${at}].label_filename`, folder: '', file: tensor.label_filename });
  }
}

function checkTensor(check: ConfigCheck, kind: 'input' | 'output', at: number): void {
  const { config } = check;
  const tensors: readonly (ModelInput | ModelOutput)[] = config[kind];
  const tensor = tensors[at];
  if (tensor === undefined) return;
  const path = `${kind}[${at}]`;
  if (tensor.name === '') refuse(check, path, `model ${kind} must specify 'name' for ${config.name}`);
  const what = `model ${kind} '${tensor.name}'`;
  if (tensors.findIndex(({ name }) => name === tensor.name) < at) {
    refuse(check, `${path}.name`, `${what} is specified more than once for ${config.name}`);
  }
  if (tensor.data_type === 'TYPE_INVALID') {
    refuse(check, path, `${what} must specify 'data_type' for ${config.name}`);
  }
  checkDims(check, tensor, { path, what });
  checkReshape(check, tensor, { path, what });
  checkTensorRtOnly(check, tensor, { path, what });
}

function checkDims(
  check: ConfigCheck,
  { dims }: ModelInput | ModelOutput,
  { path, what }: CheckedTensor,
): void {
  const { name } = check.config;
  if (dims.length === 0) refuse(check, path, `${what} must specify 'dims' for ${name}`);
  // A dimension of 0 is a mistake in a file, but some models have it: then it comes from the model, without a place.
  const isAllowed = (dim: number, at: number): boolean =>
    dim >= 1 || dim === -1 || (dim === 0 && !check.source.positions.has(`${path}.dims[${at}]`));
  const wrong = dims.findIndex((dim, at) => !isAllowed(dim, at));
  if (wrong < 0) return;
  const rule = `dimension must be integer >= 1, or -1 to indicate a variable-size dimension for ${name}`;
  refuse(check, `${path}.dims[${wrong}]`, `${what} ${rule}, found ${dims[wrong]}`);
}

function checkTensorRtOnly(
  check: ConfigCheck,
  tensor: ModelInput | ModelOutput,
  { path, what }: CheckedTensor,
): void {
  const { name, platform } = check.config;
  if (tensor.is_shape_tensor && platform !== TENSORRT_PLATFORM) {
    refuse(
      check,
      `${path}.is_shape_tensor`,
      `shape tensors are only supported for TensorRT platform: ${what} for ${name}`,
    );
  }
  if (!tensor.is_non_linear_format_io) return;
  const field = `${path}.is_non_linear_format_io`;
  if (platform !== TENSORRT_PLATFORM) {
    refuse(
      check,
      field,
      `Non-linear IO format is only supported for the TensorRT platform: ${what} for ${name}`,
    );
  }
  if (tensor.dims.length === 3) return;
  refuse(
    check,
    field,
    `Non-linear IO format requires 3 dims: ${what} for ${name}, found ${tensor.dims.length}`,
  );
}

function checkInputFields(check: ConfigCheck, input: ModelInput, path: string): void {
  const { name, max_batch_size: maxBatchSize } = check.config;
  if (input.format !== 'FORMAT_NONE' && input.dims.length !== 3) {
    const rule = `model input NHWC/NCHW require 3 dims: model input '${input.name}' for ${name}`;
    refuse(check, `${path}.format`, `${rule}, found ${input.dims.length}`);
  }
  if (!input.allow_ragged_batch || maxBatchSize > 0) return;
  const rule = `'allow_ragged_batch' of model input '${input.name}' needs a 'max_batch_size' of at least 1 for ${name}`;
  refuse(check, `${path}.allow_ragged_batch`, `${rule}, found ${maxBatchSize}`);
}
