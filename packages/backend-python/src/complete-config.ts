import {
  completeDynamicBatching,
  fromConfigDatatype,
  InferenceServerError,
  type ConfigCompletion,
  type ModelConfig,
} from '@nereid/backend-sdk';

type TensorConfig = ModelConfig['input'][number] & ModelConfig['output'][number];

/** What `auto_complete_config` gave back, which has only the fields that the model set beside those of the file. */
export function toCompletion(value: unknown, config: ModelConfig): ConfigCompletion {
  const completed = value as Partial<ModelConfig>;
  return {
    input: tensors(completed.input, 'input', config),
    output: tensors(completed.output, 'output', config),
    max_batch_size: completed.max_batch_size ?? config.max_batch_size,
    ...(completed.dynamic_batching !== undefined && {
      dynamic_batching: completeDynamicBatching(completed.dynamic_batching),
    }),
    ...(completed.model_transaction_policy !== undefined && {
      model_transaction_policy: completed.model_transaction_policy,
    }),
  };
}

function tensors(
  found: readonly Partial<TensorConfig>[] = [],
  kind: string,
  config: ModelConfig,
): readonly TensorConfig[] {
  return found.map((tensor) => {
    const { name, data_type: dataType, dims } = tensor;
    const hasDims = Array.isArray(dims) && dims.every((dim) => Number.isInteger(dim));
    const isKnown = dataType === 'TYPE_INVALID' || fromConfigDatatype(String(dataType)) !== undefined;
    if (name === undefined || dataType === undefined || !isKnown || !hasDims) {
      const expected = 'name, data_type (such as TYPE_FP32) and dims (integers)';
      throw new InferenceServerError(
        'INVALID_ARG',
        `model '${config.name}': auto_complete_config gave ${kind} ${JSON.stringify(tensor)}, expected ${expected}`,
      );
    }
    const defaults = kind === 'input' ? INPUT_DEFAULTS : OUTPUT_DEFAULTS;
    return { ...defaults, ...tensor, name, data_type: dataType, dims } as TensorConfig;
  });
}

const OUTPUT_DEFAULTS = { label_filename: '', is_shape_tensor: false, is_non_linear_format_io: false };
const INPUT_DEFAULTS = {
  format: 'FORMAT_NONE',
  is_shape_tensor: false,
  allow_ragged_batch: false,
  optional: false,
  is_non_linear_format_io: false,
};
