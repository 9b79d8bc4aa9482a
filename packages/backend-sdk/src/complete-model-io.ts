import { toConfigDatatype } from '@nereid/protocol/datatype';
import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type {
  ModelConfig,
  ModelDynamicBatching,
  ModelInput,
  ModelOutput,
} from '@nereid/protocol/model-config';
import type { ConfigCompletion } from './backend.ts';
import type { ModelTensor, ModelTensors } from './model-tensors.ts';
import { serverMadeInputs } from './server-made-inputs.ts';

/** Settings of {@link completeModelIo}. */
export interface CompleteModelIoOptions {
  /** `max_batch_size` of models that can batch and whose configuration does not say. 0: no batching. */
  readonly defaultMaxBatchSize: number;
}

/**
 * Completes a configuration from what the model file says, as Triton does for ONNX models. For `completeConfig` of
 * backends whose model files tell.
 *
 * Nothing is completed when the configuration has both inputs and outputs. Otherwise a missing list is made of
 * the model's tensors. The model can batch when the first dimension of every tensor is variable: then
 * `max_batch_size` 0 becomes the default, and above 1 the dynamic batcher is added unless there is a scheduler.
 *
 * @throws InferenceServerError INVALID_ARG when the configuration asks for batches of a model that can't batch.
 */
export function completeModelIo(
  config: ModelConfig,
  model: ModelTensors,
  { defaultMaxBatchSize }: CompleteModelIoOptions,
): ConfigCompletion {
  const hasInputs = config.input.length + config.batch_input.length > 0;
  const hasOutputs = config.output.length > 0;
  if (hasInputs && hasOutputs) return {};
  const maxBatchSize = completeMaxBatchSize(config, model, defaultMaxBatchSize);
  return {
    ...(maxBatchSize !== config.max_batch_size && { max_batch_size: maxBatchSize }),
    ...(needsBatcher(config, maxBatchSize) && { dynamic_batching: completeDynamicBatching() }),
    ...(!hasInputs && { input: completeInputs(config, model, maxBatchSize) }),
    ...(!hasOutputs && { output: completeOutputs(config, model, maxBatchSize) }),
  };
}

function completeMaxBatchSize(config: ModelConfig, model: ModelTensors, defaultSize: number): number {
  const canBatch = [...model.inputs, ...model.outputs].every(({ shape }) => shape[0] === -1);
  if (canBatch) return config.max_batch_size > 0 ? config.max_batch_size : Math.max(0, defaultSize);
  if (config.max_batch_size === 0) return 0;
  throw new InferenceServerError(
    'INVALID_ARG',
    `autofill failed for model '${config.name}': model does not support batching while non-zero max_batch_size ` +
      `${config.max_batch_size} is specified: the first dimension of ${fixedTensors(model)} is not variable`,
  );
}

function fixedTensors({ inputs, outputs }: ModelTensors): string {
  const fixed = [...inputs, ...outputs].filter(({ shape }) => shape[0] !== -1);
  return fixed.map(({ name }) => `'${name}'`).join(', ');
}

function needsBatcher(config: ModelConfig, maxBatchSize: number): boolean {
  return maxBatchSize > 1 && config.sequence_batching === undefined && config.dynamic_batching === undefined;
}

/** A `dynamic_batching` that has all its fields: those given, the others at their defaults. */
export function completeDynamicBatching(given: Partial<ModelDynamicBatching> = {}): ModelDynamicBatching {
  return {
    preferred_batch_size: [],
    max_queue_delay_microseconds: 0,
    preserve_ordering: false,
    priority_levels: 0,
    default_priority_level: 0,
    priority_queue_policy: {},
    ...given,
  };
}

/** All inputs of the model that requests have to bring. */
function completeInputs(
  config: ModelConfig,
  model: ModelTensors,
  maxBatchSize: number,
): readonly ModelInput[] {
  const made = new Set(serverMadeInputs(config).map(({ name }) => name));
  return model.inputs
    .filter(({ name, optional }) => !made.has(name) && optional !== true)
    .map((tensor) => ({
      ...tensorFields(tensor, maxBatchSize),
      format: 'FORMAT_NONE',
      allow_ragged_batch: false,
      optional: false,
    }));
}

function completeOutputs(
  config: ModelConfig,
  model: ModelTensors,
  maxBatchSize: number,
): readonly ModelOutput[] {
  const states = new Set(config.sequence_batching?.state.map((state) => state.output_name));
  return model.outputs
    .filter(({ name }) => !states.has(name))
    .map((tensor) => ({ ...tensorFields(tensor, maxBatchSize), label_filename: '' }));
}

/** The fields that inputs and outputs have in common. */
type TensorFields = Pick<ModelOutput, keyof ModelInput & keyof ModelOutput>;

function tensorFields({ name, datatype, shape }: ModelTensor, maxBatchSize: number): TensorFields {
  const dims = maxBatchSize > 0 ? shape.slice(1) : shape;
  const fields = {
    name,
    data_type: toConfigDatatype(datatype),
    dims,
    is_shape_tensor: false,
    is_non_linear_format_io: false,
  };
  if (dims.length > 0) return fields;
  // A configuration has no empty dims: a scalar, or one element a row, is one dimension of 1.
  return maxBatchSize > 0 ? { ...fields, dims: [1], reshape: { shape: [] } } : { ...fields, dims: [1] };
}
