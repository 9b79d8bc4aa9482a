import { fromConfigDatatype, type Datatype } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';

/** What a model expects of one input. */
export interface InputRule {
  readonly name: string;
  readonly datatype: Datatype;
  /** As in the configuration: without the batch dimension, -1 for variable ones. */
  readonly dims: readonly number[];
  /** What the backend sees instead of `dims`. */
  readonly reshape: readonly number[] | undefined;
  readonly optional: boolean;
  /** Place in the configuration. */
  readonly index: number;
}

/** What a model expects of its requests: made once from the configuration, asked for each request. */
export interface InputRules {
  readonly modelName: string;
  /** 0: no batch dimension. */
  readonly maxBatchSize: number;
  readonly inputs: readonly InputRule[];
  readonly byName: ReadonlyMap<string, InputRule>;
  readonly requiredCount: number;
  readonly outputNames: ReadonlySet<string>;
}

export function createInputRules(config: ModelConfig): InputRules {
  const inputs = config.input.map((input, index) => ({
    name: input.name,
    datatype: fromConfigDatatype(input.data_type) ?? 'BYTES',
    dims: input.dims,
    reshape: input.reshape?.shape,
    optional: input.optional,
    index,
  }));
  return {
    modelName: config.name,
    maxBatchSize: config.max_batch_size,
    inputs,
    byName: new Map(inputs.map((input) => [input.name, input])),
    requiredCount: inputs.filter((input) => !input.optional).length,
    outputNames: new Set(config.output.map((output) => output.name)),
  };
}
