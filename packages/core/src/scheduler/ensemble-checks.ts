/** Checks an ensemble against its composing models. */
import { InferenceServerError } from '@nereid/protocol';
import type {
  ModelConfig,
  ModelEnsemblingStep,
  ModelInput,
  ModelOutput,
} from '@nereid/protocol/model-config';
import { modelIdentifier, type ModelIdentifier } from '../model-identifier.ts';

/** Configurations of the composing models by identifier. */
export type ComposingConfigs = ReadonlyMap<string, ModelConfig>;

/** @param step - With the namespace of its model, '' for none. */
export function modelOfStep({
  model_namespace: namespace,
  model_name: name,
}: ModelEnsemblingStep): ModelIdentifier {
  return modelIdentifier(namespace, name);
}

/** Throws the error for a mistake: path of the field in the configuration, and what is wrong. */
export type RefuseEnsemble = (path: string, message: string) => never;

/** What is known of an ensemble tensor, and from whom. */
export interface TensorFacts {
  /** As configurations name it: `TYPE_FP32`. */
  readonly datatype: string;
  /** With the batch dimension, if there is one. */
  readonly dims: readonly number[];
  readonly from: string;
}

/** What is known of the tensors of an ensemble, by name. */
export type EnsembleTensorFacts = ReadonlyMap<string, TensorFacts>;

/** @param refuseField - How the place of a field is told; without it messages have none. */
export function refuseEnsemble(name: string, refuseField?: RefuseEnsemble): RefuseEnsemble {
  return (path, what) => {
    const message = `in ensemble ${name}, ${what}`;
    if (refuseField !== undefined) return refuseField(path, message);
    throw new InferenceServerError('INVALID_ARG', message);
  };
}

/**
 * Checks that all models are there and fit together (CFG-23).
 *
 * @returns What is known of each tensor.
 */
export function checkComposingModels(
  config: ModelConfig,
  composing: ComposingConfigs,
  refuse: RefuseEnsemble,
): EnsembleTensorFacts {
  const known = new KnownTensors(refuse);
  for (const [at, tensor] of config.input.entries())
    known.agree(`input[${at}]`, tensor.name, factsOf(insideOf(tensor), config));
  for (const [at, tensor] of config.output.entries())
    known.agree(`output[${at}]`, tensor.name, factsOf(insideOf(tensor), config));
  for (const [at, step] of (config.ensemble_scheduling?.step ?? []).entries()) {
    const path = `ensemble_scheduling.step[${at}]`;
    const model = composing.get(modelOfStep(step));
    if (model === undefined) return refuse(path, `model ${step.model_name} of step ${at} is not available`);
    checkBatchSize(config, model, at, refuse);
    checkStepTensors(step, { at, path, model, known, refuse });
    checkAllMapped(step, { at, path, model, known, refuse });
  }
  return known.facts;
}

interface StepCheck {
  readonly at: number;
  readonly path: string;
  readonly model: ModelConfig;
  readonly known: KnownTensors;
  readonly refuse: RefuseEnsemble;
}

/** Every tensor that a step maps must exist in its model, and be what the others take it for. */
function checkStepTensors(step: ModelEnsemblingStep, { at, path, model, known, refuse }: StepCheck): void {
  for (const [modelTensor, tensor] of Object.entries(step.input_map)) {
    const place = `${path}.input_map[${JSON.stringify(modelTensor)}]`;
    const input = model.input.find(({ name }) => name === modelTensor);
    if (input === undefined) {
      const what = `ensemble tensor ${tensor} is mapping to non-existing input ${modelTensor} in model ${model.name}`;
      return refuse(place, `${what} of step ${at}, whose inputs are ${namesOf(model.input)}`);
    }
    known.agree(place, tensor, factsOf(input, model));
  }
  for (const [modelTensor, tensor] of Object.entries(step.output_map)) {
    const place = `${path}.output_map[${JSON.stringify(modelTensor)}]`;
    const output = model.output.find(({ name }) => name === modelTensor);
    if (output === undefined) {
      const what = `ensemble tensor ${tensor} is mapped from non-existing output ${modelTensor} in model ${model.name}`;
      return refuse(place, `${what} of step ${at}, whose outputs are ${namesOf(model.output)}`);
    }
    known.agree(place, tensor, factsOf(output, model));
  }
}

function checkAllMapped(step: ModelEnsemblingStep, { at, path, model, refuse }: StepCheck): void {
  for (const { name, optional } of model.input) {
    if (optional || Object.hasOwn(step.input_map, name)) continue;
    refuse(path, `input ${name} in model ${model.name} is not mapped to any ensemble tensors in step ${at}`);
  }
}

function checkBatchSize(config: ModelConfig, model: ModelConfig, at: number, refuse: RefuseEnsemble): void {
  if (model.max_batch_size === 0 || model.max_batch_size >= config.max_batch_size) return;
  refuse(
    'max_batch_size',
    `the ensemble allows maximum batch size ${config.max_batch_size}, but it contains model ${model.name} ` +
      `which only allows maximum batch size to be ${model.max_batch_size}, in step ${at}`,
  );
}

/** Collects what is said of each tensor, and sees that nobody disagrees. */
class KnownTensors {
  readonly facts = new Map<string, TensorFacts>();
  readonly #refuse: RefuseEnsemble;

  constructor(refuse: RefuseEnsemble) {
    this.#refuse = refuse;
  }

  agree(path: string, tensor: string, facts: TensorFacts): void {
    const earlier = this.facts.get(tensor);
    if (earlier === undefined) {
      this.facts.set(tensor, facts);
      return;
    }
    const differ = (what: string, left: string, right: string): never =>
      this.#refuse(
        path,
        `ensemble tensor ${tensor}: inconsistent ${what}: ${left} is inferred from model ${earlier.from} while ${right} is inferred from model ${facts.from}`,
      );
    if (earlier.datatype !== facts.datatype) differ('data type', earlier.datatype, facts.datatype);
    if (!areCompatible(earlier.dims, facts.dims))
      differ('shape', `[${earlier.dims.join(',')}]`, `[${facts.dims.join(',')}]`);
  }
}

/** Whether two shapes can be those of one tensor: -1 is any number. */
export function areCompatible(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dim, at) => dim === -1 || b[at] === -1 || dim === b[at]);
}

/** The dims that the steps see of a tensor of the ensemble itself: those of its `reshape`. */
function insideOf({ name, data_type, dims, reshape }: ModelInput | ModelOutput): DeclaredTensor {
  return { name, data_type, dims: reshape?.shape ?? dims };
}

type DeclaredTensor = Pick<ModelInput | ModelOutput, 'name' | 'data_type' | 'dims'>;

function factsOf(tensor: DeclaredTensor, { name, max_batch_size: maxBatchSize }: ModelConfig): TensorFacts {
  return {
    datatype: tensor.data_type,
    dims: maxBatchSize > 0 ? [-1, ...tensor.dims] : tensor.dims,
    from: name,
  };
}

function namesOf(tensors: readonly { readonly name: string }[]): string {
  return tensors.map(({ name }) => `'${name}'`).join(', ');
}
