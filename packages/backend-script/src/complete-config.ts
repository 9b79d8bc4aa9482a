import { isDeepStrictEqual } from 'node:util';
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
  assertCompletable(config, part, file);
  const hasScheduler = config.dynamic_batching ?? config.sequence_batching;
  return {
    input: mergeTensors(config, 'input', config.input, said.input),
    output: mergeTensors(config, 'output', config.output, said.output),
    max_batch_size: config.max_batch_size || said.max_batch_size,
    ...(hasScheduler === undefined && schedulerOf(said)),
    ...(config.model_transaction_policy === undefined &&
      said.model_transaction_policy !== undefined && {
        model_transaction_policy: said.model_transaction_policy,
      }),
  };
}

/** What a model can say of itself; how many instances it has, say, is for those to decide who serve it. */
const COMPLETABLE: readonly string[] = [
  'input',
  'output',
  'max_batch_size',
  'dynamic_batching',
  'sequence_batching',
  'model_transaction_policy',
] satisfies readonly (keyof ConfigCompletion)[];

/** Types end with the compiler. What a function hands back as it got it is no mistake. */
function assertCompletable(config: ModelConfig, part: ModelConfigPart, file: string): void {
  const given = new Map<string, unknown>(Object.entries(config));
  for (const [field, value] of Object.entries(part)) {
    if (COMPLETABLE.includes(field) || isDeepStrictEqual(value, given.get(field))) continue;
    throw new InferenceServerError(
      'INVALID_ARG',
      `${file}: config: '${field}' can't be said by the model, only ${COMPLETABLE.join(', ')}: put it into config.pbtxt`,
    );
  }
}

/** At most one of the two: both can't be read from one configuration. */
function schedulerOf({ dynamic_batching, sequence_batching }: ModelConfig): ConfigCompletion {
  return {
    ...(dynamic_batching !== undefined && { dynamic_batching }),
    ...(sequence_batching !== undefined && { sequence_batching }),
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
