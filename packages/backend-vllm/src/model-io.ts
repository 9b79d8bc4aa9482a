/** Inputs and outputs that every model of this backend has: Triton's, and a request of OpenAI's API as bytes. */
import { InferenceServerError, type ConfigCompletion, type ModelConfig } from '@nereid/backend-sdk';

type Input = ModelConfig['input'][number];
type Output = ModelConfig['output'][number];
type TensorSpec = readonly [name: string, dataType: Input['data_type'], dims: readonly number[]];

const INPUTS: readonly TensorSpec[] = [
  // Not required as in Triton: a request of OpenAI's API has its own input.
  ['text_input', 'TYPE_STRING', [1]],
  ['image', 'TYPE_STRING', [-1]],
  ['stream', 'TYPE_BOOL', [1]],
  ['sampling_parameters', 'TYPE_STRING', [1]],
  ['exclude_input_in_output', 'TYPE_BOOL', [1]],
  ['return_finish_reason', 'TYPE_BOOL', [1]],
  ['return_cumulative_logprob', 'TYPE_BOOL', [1]],
  ['return_logprobs', 'TYPE_BOOL', [1]],
  ['return_num_input_tokens', 'TYPE_BOOL', [1]],
  ['return_num_output_tokens', 'TYPE_BOOL', [1]],
  ['openai_request', 'TYPE_STRING', [1]],
];

const OUTPUTS: readonly TensorSpec[] = [
  ['text_output', 'TYPE_STRING', [-1]],
  ['finish_reason', 'TYPE_STRING', [-1]],
  ['cumulative_logprob', 'TYPE_FP32', [-1]],
  ['logprobs', 'TYPE_STRING', [-1]],
  ['num_input_tokens', 'TYPE_UINT32', [1]],
  ['num_output_tokens', 'TYPE_UINT32', [-1]],
  ['openai_response', 'TYPE_STRING', [1]],
];

/**
 * What a configuration leaves out: inputs, outputs, and that the model is decoupled.
 *
 * @throws InferenceServerError INVALID_ARG when it says something else of them.
 */
export function completeModelConfig(config: ModelConfig): ConfigCompletion {
  if (config.max_batch_size > 0) {
    throw refused(
      config,
      `expected 'max_batch_size: 0', found ${config.max_batch_size}: the engine makes batches itself`,
    );
  }
  if (config.model_transaction_policy?.decoupled === false) {
    throw refused(
      config,
      'expected a decoupled model_transaction_policy, found one that is not: tokens are streamed',
    );
  }
  return {
    input: merge(config, 'input', config.input, INPUTS.map(inputOf)),
    output: merge(config, 'output', config.output, OUTPUTS.map(outputOf)),
    model_transaction_policy: { decoupled: true },
  };
}

function merge<T extends Input | Output>(
  config: ModelConfig,
  kind: string,
  given: readonly T[],
  own: readonly T[],
): readonly T[] {
  for (const tensor of given) {
    const expected = own.find(({ name }) => name === tensor.name);
    if (expected === undefined) {
      const names = own.map(({ name }) => name).join(', ');
      throw refused(config, `${kind} '${tensor.name}' is none of the backend's: ${names}`);
    }
    if (describe(expected) !== describe(tensor)) {
      throw refused(
        config,
        `${kind} '${tensor.name}': expected ${describe(expected)}, found ${describe(tensor)}`,
      );
    }
  }
  return [...given, ...own.filter(({ name }) => !given.some((tensor) => tensor.name === name))];
}

function describe({ data_type: dataType, dims }: Input | Output): string {
  return `${dataType} [${dims.join(',')}]`;
}

function inputOf([name, dataType, dims]: TensorSpec): Input {
  return {
    name,
    data_type: dataType,
    format: 'FORMAT_NONE',
    dims,
    is_shape_tensor: false,
    allow_ragged_batch: false,
    optional: true,
    is_non_linear_format_io: false,
  };
}

function outputOf([name, dataType, dims]: TensorSpec): Output {
  return {
    name,
    data_type: dataType,
    dims,
    label_filename: '',
    is_shape_tensor: false,
    is_non_linear_format_io: false,
  };
}

function refused({ name }: ModelConfig, what: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', `model '${name}': ${what}`);
}
