import { shapeToString } from '@nereid/protocol';
import { toConfigDatatype } from '@nereid/protocol/datatype';
import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { DataType, ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import type { ModelTensor, ModelTensors } from './model-tensors.ts';
import { serverMadeInputs } from './server-made-inputs.ts';

/**
 * Checks the inputs and outputs of a complete configuration against what the model file says: their number and
 * names, datatypes, dimensions and the batch dimension. For `validateConfig` of backends whose model files tell.
 *
 * An input may have fixed dimensions where the model has variable ones; an output must agree exactly. Outputs of
 * the model may be left out of the configuration, inputs may not.
 *
 * @throws InferenceServerError INVALID_ARG naming the model and the tensor, what is configured and what the model has.
 */
export function checkModelIo(config: ModelConfig, model: ModelTensors): void {
  checkInputCount(config, model);
  const inputs = byName(model.inputs);
  for (const input of config.input) checkInput(config, input, inputs);
  for (const { name, role, dataType } of serverMadeInputs(config)) {
    checkDatatype(config, findTensor(inputs, name, 'input'), dataType, role);
  }
  const outputs = byName(model.outputs);
  for (const output of config.output) checkOutput(config, output, outputs);
  for (const { output_name: name, data_type: dataType } of config.sequence_batching?.state ?? []) {
    checkDatatype(config, findTensor(outputs, name, 'output'), dataType, 'output state');
  }
}

type TensorsByName = ReadonlyMap<string, ModelTensor>;

function byName(tensors: readonly ModelTensor[]): TensorsByName {
  return new Map(tensors.map((tensor) => [tensor.name, tensor]));
}

function checkInputCount(config: ModelConfig, model: ModelTensors): void {
  const configured =
    config.input.filter(({ optional }) => !optional).length + serverMadeInputs(config).length;
  const required = model.inputs.filter(({ optional }) => optional !== true).length;
  if (configured === required) return;
  throw cannotLoad(config, `configuration expects ${configured} inputs, model provides ${required}`);
}

function checkInput(config: ModelConfig, input: ModelInput, tensors: TensorsByName): void {
  const tensor = findTensor(tensors, input.name, 'input');
  checkDatatype(config, tensor, input.data_type, 'input');
  if (input.allow_ragged_batch) checkRagged(config, tensor);
  else checkDims(config, tensor, input.reshape?.shape ?? input.dims, false);
}

function checkOutput(config: ModelConfig, output: ModelOutput, tensors: TensorsByName): void {
  const tensor = findTensor(tensors, output.name, 'output');
  checkDatatype(config, tensor, output.data_type, 'output');
  // A batch output is cut up by other shapes than the model's.
  if (config.batch_output.some(({ target_name: names }) => names.includes(output.name))) return;
  checkDims(config, tensor, output.reshape?.shape ?? output.dims, true);
}

function findTensor(tensors: TensorsByName, name: string, kind: 'input' | 'output'): ModelTensor {
  const tensor = tensors.get(name);
  if (tensor !== undefined) return tensor;
  const allowed = [...tensors.keys()].sort().join(', ');
  throw invalid(`unexpected inference ${kind} '${name}', allowed ${kind}s are: ${allowed}`);
}

function checkDatatype(config: ModelConfig, tensor: ModelTensor, dataType: DataType, role: string): void {
  const provided = toConfigDatatype(tensor.datatype);
  if (provided === dataType) return;
  throw cannotLoad(
    config,
    `configuration expects datatype ${dataType} for ${role} '${tensor.name}', model provides ${provided}`,
  );
}

/** Ragged inputs are joined into one row of elements. */
function checkRagged(config: ModelConfig, { name, shape }: ModelTensor): void {
  if (shape.length === 1 && shape[0] === -1) return;
  throw cannotLoad(
    config,
    `configuration expects model provides input with shape [-1] for ragged input '${name}', ` +
      `model provides ${shapeToString(shape)}`,
  );
}

function checkDims(config: ModelConfig, tensor: ModelTensor, dims: readonly number[], exact: boolean): void {
  if (config.max_batch_size > 0) checkBatchedDims(config, tensor, dims, exact);
  else if (tensor.shape.length === 0) checkScalarDims(config, tensor, dims);
  else if (!agree(tensor.shape, dims, exact)) {
    const found = `${dims.length} dimensions (shape ${shapeToString(dims)})`;
    throw wrongDims(config, tensor, found);
  }
}

function checkBatchedDims(
  config: ModelConfig,
  tensor: ModelTensor,
  dims: readonly number[],
  exact: boolean,
): void {
  if (tensor.shape[0] !== -1) {
    throw invalid(
      `model '${config.name}', tensor '${tensor.name}': for the model to support batching the shape should have at ` +
        `least 1 dimension and the first dimension must be -1; but shape expected by the model is ` +
        shapeToString(tensor.shape),
    );
  }
  const full = [-1, ...dims];
  if (agree(tensor.shape, full, exact)) return;
  const found =
    `${full.length} dimensions (an initial batch dimension because max_batch_size > 0 followed by the ` +
    `explicit tensor shape, making complete shape ${shapeToString(full)})`;
  throw wrongDims(config, tensor, found);
}

/** A scalar of the model stands in the configuration with dimensions of 1. */
function checkScalarDims(config: ModelConfig, { name }: ModelTensor, dims: readonly number[]): void {
  if (dims.every((dim) => dim === 1)) return;
  throw cannotLoad(
    config,
    `scalar tensor '${name}', should only provide 1 in the model configuration when the model doesn't support ` +
      `batching. Model configuration provided: ${shapeToString(dims)}.`,
  );
}

function agree(shape: readonly number[], dims: readonly number[], exact: boolean): boolean {
  return shape.length === dims.length && shape.every((dim, i) => (!exact && dim === -1) || dim === dims[i]);
}

function wrongDims(config: ModelConfig, { name, shape }: ModelTensor, found: string): InferenceServerError {
  return invalid(
    `model '${config.name}', tensor '${name}': the model expects ${shape.length} dimensions ` +
      `(shape ${shapeToString(shape)}) but the model configuration specifies ${found}`,
  );
}

function cannotLoad({ name }: ModelConfig, reason: string): InferenceServerError {
  return invalid(`unable to load model '${name}', ${reason}`);
}

function invalid(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}
