import { InferenceServerError, type ConfigCompletion, type ModelConfig } from '@nereid/backend-sdk';
import { parseModelConfigJson } from '@nereid/backend-sdk/model-config';
import type { ModelConfigPart } from './define-model.ts';

/**
 * A configuration completed by what the model says: `config.pbtxt` comes first, field by field and tensor by tensor.
 *
 * @param file - Where the model says it, as errors name it.
 * @throws InferenceServerError INVALID_ARG for what `config.pbtxt` could not say either, and when both speak of a tensor
 * and differ in datatype or dimensions.
 */
export function completeConfig(config: ModelConfig, part: ModelConfigPart, file: string): ConfigCompletion {
  const said = readConfigPart(part, file);
  const hasScheduler = config.dynamic_batching ?? config.sequence_batching;
  return {
    input: mergeTensors(config, 'input', config.input, said.input),
    output: mergeTensors(config, 'output', config.output, said.output),
    max_batch_size: config.max_batch_size || said.max_batch_size,
    ...(hasScheduler === undefined &&
      said.dynamic_batching !== undefined && { dynamic_batching: said.dynamic_batching }),
    ...(config.model_transaction_policy === undefined &&
      said.model_transaction_policy !== undefined && {
        model_transaction_policy: said.model_transaction_policy,
      }),
  };
}

/** Types end with the compiler, which models don't need: their values are read as those of a load request. */
function readConfigPart(part: ModelConfigPart, file: string): ModelConfig {
  return parseModelConfigJson(JSON.stringify(part), { source: `${file}: config` });
}

interface NamedTensor {
  readonly name: string;
  readonly data_type: string;
  readonly dims: readonly number[];
}

function mergeTensors<T extends NamedTensor>(
  { name: model }: ModelConfig,
  kind: string,
  given: readonly T[],
  said: readonly T[],
): readonly T[] {
  for (const tensor of said) {
    const same = given.find(({ name }) => name === tensor.name);
    if (same === undefined || describe(same) === describe(tensor)) continue;
    throw new InferenceServerError(
      'INVALID_ARG',
      `model '${model}', ${kind} '${tensor.name}': the configuration says ${describe(same)}, the model's file ${describe(tensor)}`,
    );
  }
  return [...given, ...said.filter((tensor) => !given.some(({ name }) => name === tensor.name))];
}

function describe({ data_type: dataType, dims }: NamedTensor): string {
  return `${dataType} [${dims.join(',')}]`;
}
