import type { InferRequestedOutput } from '@nereid/protocol';
import type { ModelConfig, ModelEnsemblingStep } from '@nereid/protocol/model-config';
import type { ModelIdentifier } from '../model-identifier.ts';
import type { EnsembleFlow } from '../ensemble/ensemble-flow.ts';
import { tensorsIn, type Expression } from '../ensemble/expression.ts';
import { modelOfStep, type ComposingConfigs } from './ensemble-checks.ts';

/** An input or output of a model, and the ensemble tensor (by index) that it is. */
export interface TensorLink {
  readonly modelTensor: string;
  readonly tensor: number;
}

/** A step: a model that runs when all it reads is there. */
export interface StepNode {
  readonly kind: 'step';
  readonly index: number;
  readonly model: ModelIdentifier;
  readonly modelName: string;
  /** '' = the highest ready version. */
  readonly modelVersion: string;
  readonly inputs: readonly (TensorLink & { readonly optional: boolean })[];
  readonly outputs: readonly TensorLink[];
  /** The model's outputs that are asked for: those that are used. */
  readonly requestedOutputs: readonly InferRequestedOutput[];
  /** All tensors that must be settled first: of its inputs and of its condition. */
  readonly reads: readonly number[];
  readonly when: Expression | undefined;
  /** Whether each response of its model starts a further pass of the later steps. */
  readonly decoupled: boolean;
  /** The decoupled step in whose passes it runs, or ROOT. */
  readonly scope: number;
}

/** The early end: a condition that is looked at as soon as it can be. */
export interface EndNode {
  readonly kind: 'end';
  readonly index: number;
  readonly reads: readonly number[];
  readonly when: Expression;
  readonly scope: number;
}

export type EnsembleNode = StepNode | EndNode;

/** The nodes and tensors of an ensemble by their places, before it is known in which passes they are. */
export interface EnsembleOutline {
  readonly tensors: readonly string[];
  readonly tensorIndex: ReadonlyMap<string, number>;
  /** The step that makes each tensor. */
  readonly makers: readonly number[];
  readonly nodes: readonly (Omit<StepNode, 'scope'> | Omit<EndNode, 'scope'>)[];
  /** Tensors that stand in for others, by those. */
  readonly stands: ReadonlyMap<number, number>;
  readonly outputs: readonly number[];
}

/** @param config - With steps whose models, tensors and conditions are checked. */
export function createOutline(
  config: ModelConfig,
  flow: EnsembleFlow,
  composing: ComposingConfigs,
): EnsembleOutline {
  const steps = config.ensemble_scheduling?.step ?? [];
  const tensors = [
    ...new Set([
      ...config.input.map(({ name }) => name),
      ...steps.flatMap(({ output_map: outputs }) => Object.values(outputs)),
    ]),
  ];
  const tensorIndex = new Map(tensors.map((name, at) => [name, at]));
  const indexOf = (name: string): number => tensorIndex.get(name) ?? -1;
  const nodes: EnsembleOutline['nodes'][number][] = steps.map((step, at) =>
    createStep(step, { at, when: flow.when.get(at), model: composing.get(modelOfStep(step)), indexOf }),
  );
  if (flow.end !== undefined) {
    const reads = tensorsIn(flow.end).map(indexOf);
    nodes.push({ kind: 'end', index: steps.length, reads, when: flow.end });
  }
  const stands = [...flow.defaults].flatMap(([name, source]) =>
    source.kind === 'tensor' ? [[indexOf(name), indexOf(source.name)] as const] : [],
  );
  return {
    tensors,
    tensorIndex,
    makers: tensors.map((name) =>
      steps.findIndex(({ output_map: outputs }) => Object.values(outputs).includes(name)),
    ),
    nodes,
    stands: new Map(stands),
    outputs: config.output.map(({ name }) => indexOf(name)),
  };
}

interface StepSurroundings {
  readonly at: number;
  readonly when: Expression | undefined;
  readonly model: ModelConfig | undefined;
  readonly indexOf: (tensor: string) => number;
}

function createStep(
  step: ModelEnsemblingStep,
  { at, when, model, indexOf }: StepSurroundings,
): Omit<StepNode, 'scope'> {
  const links = (map: Readonly<Record<string, string>>): readonly TensorLink[] =>
    Object.entries(map).map(([modelTensor, name]) => ({ modelTensor, tensor: indexOf(name) }));
  const inputs = links(step.input_map).map((link) => ({
    ...link,
    optional: model?.input.find(({ name }) => name === link.modelTensor)?.optional ?? false,
  }));
  const outputs = links(step.output_map);
  const conditionTensors = when === undefined ? [] : tensorsIn(when).map(indexOf);
  return {
    kind: 'step',
    index: at,
    model: modelOfStep(step),
    modelName: step.model_name,
    modelVersion: step.model_version < 0 ? '' : String(step.model_version),
    inputs,
    outputs,
    requestedOutputs: outputs.map(({ modelTensor }) => ({
      name: modelTensor,
      classification: 0,
      binaryData: false,
    })),
    reads: [...new Set([...inputs.map(({ tensor }) => tensor), ...conditionTensors])],
    when,
    decoupled: model?.model_transaction_policy?.decoupled ?? false,
  };
}
