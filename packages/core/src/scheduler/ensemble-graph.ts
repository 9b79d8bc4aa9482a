import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig, ModelInput, ModelOutput } from '@nereid/protocol/model-config';

/** One step of an ensemble: a model, and how its tensors are called in the ensemble. */
export interface EnsembleStep {
  readonly modelName: string;
  /** '' = the highest ready version. */
  readonly modelVersion: string;
  /** The model's inputs, each with the ensemble tensor that feeds it. */
  readonly inputs: readonly { readonly modelTensor: string; readonly ensembleTensor: string }[];
  /** The model's outputs that are used, each with the ensemble tensor it becomes. */
  readonly outputs: readonly { readonly modelTensor: string; readonly ensembleTensor: string }[];
}

/** A checked ensemble. */
export interface EnsembleGraph {
  readonly name: string;
  readonly steps: readonly EnsembleStep[];
  /** Steps to run for each ensemble output: those it depends on. */
  readonly stepsFor: ReadonlyMap<string, ReadonlySet<number>>;
}

/** Configurations of the composing models by name. */
export type ComposingConfigs = ReadonlyMap<string, ModelConfig>;

/** The models that an ensemble is made of, each once. */
export function composingModels(config: ModelConfig): readonly string[] {
  return [...new Set(config.ensemble_scheduling?.step.map((step) => step.model_name) ?? [])];
}

/**
 * Builds the graph of an ensemble and checks it against its composing models (CFG-23).
 *
 * @throws InferenceServerError INVALID_ARG naming the ensemble, the tensor and the model.
 */
export function createEnsembleGraph(config: ModelConfig, composing: ComposingConfigs): EnsembleGraph {
  const steps = (config.ensemble_scheduling?.step ?? []).map((step) => ({
    modelName: step.model_name,
    modelVersion: step.model_version < 0 ? '' : String(step.model_version),
    inputs: toPairs(step.input_map),
    outputs: toPairs(step.output_map),
  }));
  checkSteps(config, steps, composing);
  return {
    name: config.name,
    steps,
    stepsFor: new Map(config.output.map(({ name }) => [name, ancestors(steps, name)])),
  };
}

function toPairs(map: Readonly<Record<string, string>>): EnsembleStep['inputs'] {
  return Object.entries(map).map(([modelTensor, ensembleTensor]) => ({ modelTensor, ensembleTensor }));
}

/** What is known of an ensemble tensor, and from whom. */
interface TensorFacts {
  readonly datatype: string;
  readonly dims: readonly number[];
  readonly from: string;
}

function checkSteps(config: ModelConfig, steps: readonly EnsembleStep[], composing: ComposingConfigs): void {
  const refuse = (message: string): never => {
    throw new InferenceServerError('INVALID_ARG', `in ensemble ${config.name}, ${message}`);
  };
  const known = new Map<string, TensorFacts>();
  const agree = (tensor: string, facts: TensorFacts): void => {
    const earlier = known.get(tensor);
    if (earlier === undefined) known.set(tensor, facts);
    else checkAgreement(tensor, earlier, facts, refuse);
  };
  for (const tensor of [...config.input, ...config.output]) agree(tensor.name, factsOf(tensor, config));
  for (const step of steps) {
    const model = composing.get(step.modelName);
    if (model === undefined) return refuse(`model ${step.modelName} is not available`);
    checkStep(config, model, refuse);
    for (const { modelTensor, ensembleTensor } of step.inputs) {
      const input = model.input.find(({ name }) => name === modelTensor);
      if (input === undefined) {
        return refuse(
          `ensemble tensor ${ensembleTensor} is mapping to non-existing input ${modelTensor} in model ${model.name}`,
        );
      }
      agree(ensembleTensor, factsOf(input, model));
    }
    for (const { modelTensor, ensembleTensor } of step.outputs) {
      const output = model.output.find(({ name }) => name === modelTensor);
      if (output === undefined) {
        return refuse(
          `ensemble tensor ${ensembleTensor} is mapped from non-existing output ${modelTensor} in model ${model.name}`,
        );
      }
      agree(ensembleTensor, factsOf(output, model));
    }
    for (const { name, optional } of model.input) {
      if (optional || step.inputs.some(({ modelTensor }) => modelTensor === name)) continue;
      refuse(`input ${name} in model ${model.name} is not mapped to any ensemble tensors`);
    }
  }
}

function checkStep(config: ModelConfig, model: ModelConfig, refuse: (message: string) => never): void {
  if (model.max_batch_size > 0 && model.max_batch_size < config.max_batch_size) {
    refuse(
      `the ensemble allows maximum batch size ${config.max_batch_size}, but it contains model ${model.name} ` +
        `which only allows maximum batch size to be ${model.max_batch_size}`,
    );
  }
  if (model.model_transaction_policy?.decoupled === true) {
    refuse(`model ${model.name} is decoupled, which the steps of an ensemble can't be in this version`);
  }
}

function factsOf(
  tensor: ModelInput | ModelOutput,
  { name, max_batch_size: maxBatchSize }: ModelConfig,
): TensorFacts {
  return {
    datatype: tensor.data_type,
    dims: maxBatchSize > 0 ? [-1, ...tensor.dims] : tensor.dims,
    from: name,
  };
}

function checkAgreement(
  tensor: string,
  a: TensorFacts,
  b: TensorFacts,
  refuse: (message: string) => never,
): void {
  const differ = (what: string, left: string, right: string): never =>
    refuse(
      `ensemble tensor ${tensor}: inconsistent ${what}: ${left} is inferred from model ${a.from} while ${right} is inferred from model ${b.from}`,
    );
  if (a.datatype !== b.datatype) differ('data type', a.datatype, b.datatype);
  const fits =
    a.dims.length === b.dims.length &&
    a.dims.every((dim, at) => dim === -1 || b.dims[at] === -1 || dim === b.dims[at]);
  if (!fits) differ('shape', `[${a.dims.join(',')}]`, `[${b.dims.join(',')}]`);
}

/** The steps that must run to make a tensor. */
function ancestors(steps: readonly EnsembleStep[], tensor: string): ReadonlySet<number> {
  const needed = new Set<number>();
  const visit = (name: string): void => {
    const at = steps.findIndex((step) => step.outputs.some(({ ensembleTensor }) => ensembleTensor === name));
    if (at < 0 || needed.has(at)) return;
    needed.add(at);
    for (const { ensembleTensor } of steps[at]?.inputs ?? []) visit(ensembleTensor);
  };
  visit(tensor);
  return needed;
}
