import type { ModelConfig } from '@nereid/protocol/model-config';
import type { ModelIdentifier } from '../model-identifier.ts';
import { readEnsembleFlow } from '../ensemble/ensemble-flow.ts';
import { checkConditionTypes } from './ensemble-condition-types.ts';
import {
  checkComposingModels,
  modelOfStep,
  refuseEnsemble,
  type ComposingConfigs,
} from './ensemble-checks.ts';
import { createDefault, type DefaultRow } from './ensemble-default.ts';
import { createOutline, type EnsembleNode, type EnsembleOutline } from './ensemble-outline.ts';
import { findScopes, ROOT } from './ensemble-scopes.ts';

/** A tensor of the ensemble. */
export interface GraphTensor {
  readonly name: string;
  /** The step that makes it; ROOT for an input of the ensemble. */
  readonly maker: number;
  readonly scope: number;
  /** Places of the nodes that read it. */
  readonly readers: readonly number[];
  /** What it is when its step was skipped: another tensor, or values. */
  readonly fallback: number | DefaultRow | undefined;
  /** Tensors whose fallback it is. */
  readonly standsInFor: readonly number[];
}

/** A checked ensemble: tensors and nodes know each other by their places in these lists. */
export interface EnsembleGraph {
  readonly name: string;
  readonly decoupled: boolean;
  /** Requests in flight at each step; 0: no limit. */
  readonly maxInflight: number;
  readonly tensors: readonly GraphTensor[];
  readonly tensorIndex: ReadonlyMap<string, number>;
  /** The inputs of the ensemble. */
  readonly inputs: readonly number[];
  /** The outputs of the ensemble. */
  readonly outputs: readonly number[];
  readonly nodes: readonly EnsembleNode[];
  /** The nodes of each scope. */
  readonly nodesInScope: ReadonlyMap<number, readonly EnsembleNode[]>;
  /** How many decoupled steps lie before those that run in a scope. */
  readonly depthOfScope: ReadonlyMap<number, number>;
}

/** The models that an ensemble is made of, each once. */
export function composingModels(config: ModelConfig): readonly ModelIdentifier[] {
  return [...new Set(config.ensemble_scheduling?.step.map((step) => modelOfStep(step)) ?? [])];
}

/** How a graph is refused: path of the field in the configuration, and the message. */
export type RefuseField = (path: string, message: string) => never;

/**
 * Builds the graph of an ensemble and checks it against its composing models (CFG-23, CFG-24).
 *
 * @param refuseField - Throws the error for a field, with its place in the file.
 * @throws InferenceServerError INVALID_ARG naming the ensemble, the step, the tensor and the model.
 */
export function createEnsembleGraph(
  config: ModelConfig,
  composing: ComposingConfigs,
  refuseField?: RefuseField,
): EnsembleGraph {
  const refuse = refuseEnsemble(config.name, refuseField);
  const facts = checkComposingModels(config, composing, refuse);
  const flow = readEnsembleFlow(config);
  checkConditionTypes(flow, facts, refuse);
  const outline = createOutline(config, flow, composing);
  const scopes = findScopes(outline, refuse);
  return assemble(config, outline, {
    scopes,
    defaultOf: (name) => createDefault(name, { flow, facts, config, refuse }),
  });
}

interface GraphDetails {
  readonly scopes: ReturnType<typeof findScopes>;
  readonly defaultOf: (tensor: string) => DefaultRow | undefined;
}

function assemble(
  config: ModelConfig,
  outline: EnsembleOutline,
  { scopes, defaultOf }: GraphDetails,
): EnsembleGraph {
  const nodes = outline.nodes.map((node, at) => ({ ...node, scope: scopes.ofNode[at] ?? ROOT }));
  const tensors = outline.tensors.map((name, at) => ({
    name,
    maker: outline.makers[at] ?? ROOT,
    scope: scopes.ofTensor[at] ?? ROOT,
    readers: nodes.filter(({ reads }) => reads.includes(at)).map(({ index }) => index),
    fallback: outline.stands.get(at) ?? defaultOf(name),
    standsInFor: [...outline.stands].filter(([, source]) => source === at).map(([stood]) => stood),
  }));
  const isDeclared = config.model_transaction_policy?.decoupled ?? false;
  return {
    name: config.name,
    decoupled: isDeclared || nodes.some((node) => node.kind === 'step' && node.decoupled),
    maxInflight: config.ensemble_scheduling?.max_inflight_requests ?? 0,
    tensors,
    tensorIndex: outline.tensorIndex,
    inputs: config.input.map(({ name }) => outline.tensorIndex.get(name) ?? -1),
    outputs: outline.outputs,
    nodes,
    nodesInScope: Map.groupBy(nodes, ({ scope }) => scope),
    depthOfScope: scopes.depth,
  };
}
