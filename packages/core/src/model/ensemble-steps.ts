/** Which models the steps of an ensemble stand for, where several namespaces have models of the same name. */
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig, ModelEnsemblingStep } from '@nereid/protocol/model-config';
import { modelIdentifier, namespaceOf, type ModelIdentifier } from '../model-identifier.ts';
import { chooseIdentifier, listNamespaces } from './model-names.ts';

/** Who the ensemble is, and which models there are. */
export interface StepContext {
  readonly ensemble: ModelIdentifier;
  /** Without namespaces what a step says of one means nothing. */
  readonly isNamespaced: boolean;
  readonly candidatesOf: (name: string) => readonly ModelIdentifier[];
  /** The place of a field in the ensemble's file, as errors begin with it. Default: none. */
  readonly placeOf?: (path: string) => string;
}

/** Names of the models that an ensemble asks for, each once; none of another model. */
export function stepNames({ ensemble_scheduling: scheduling }: ModelConfig): readonly string[] {
  return [...new Set(scheduling?.step.map((step) => step.model_name) ?? [])];
}

/**
 * The model of each step: in the namespace that the step names; else in the ensemble's own; else the only one there is.
 *
 * @throws InferenceServerError NOT_FOUND naming the models that are not there, or are in several other namespaces.
 */
export function resolveSteps(config: ModelConfig, context: StepContext): readonly ModelIdentifier[] {
  const problems = new Map<string, number>();
  const models = (config.ensemble_scheduling?.step ?? []).flatMap((step, at) => {
    const candidates = context.candidatesOf(step.model_name);
    const model = chooseModel(step, candidates, context);
    const problem = describe(step, candidates);
    if (model === undefined && !problems.has(problem)) problems.set(problem, at);
    return model ?? [];
  });
  if (problems.size === 0) return models;
  const [first = 0] = problems.values();
  const place = context.placeOf?.(`ensemble_scheduling.step[${first}].model_name`) ?? '';
  throw new InferenceServerError(
    'NOT_FOUND',
    `${place}ensemble ${context.ensemble} contains models that are not available or ambiguous: ${[...problems.keys()].join(', ')}`,
  );
}

/** The configuration with the namespace of each step's model, as Triton shows it. */
export function withNamespaces(config: ModelConfig, models: readonly ModelIdentifier[]): ModelConfig {
  const { ensemble_scheduling: scheduling } = config;
  if (scheduling === undefined) return config;
  const step = scheduling.step.map((given, at) => {
    const model = models[at];
    return { ...given, model_namespace: model === undefined ? '' : namespaceOf(model) };
  });
  return { ...config, ensemble_scheduling: { ...scheduling, step } };
}

function chooseModel(
  { model_name: name, model_namespace: named }: ModelEnsemblingStep,
  candidates: readonly ModelIdentifier[],
  { ensemble, isNamespaced }: StepContext,
): ModelIdentifier | undefined {
  if (!isNamespaced || named === '') return chooseIdentifier(candidates, name, namespaceOf(ensemble));
  const wanted = modelIdentifier(named, name);
  return candidates.includes(wanted) ? wanted : undefined;
}

function describe(
  { model_name: name, model_namespace: named }: ModelEnsemblingStep,
  candidates: readonly ModelIdentifier[],
): string {
  if (candidates.length === 0) return `${name} (in no repository)`;
  const found = `${name} (in ${listNamespaces(candidates)}`;
  return named === ''
    ? `${found}; 'model_namespace' of the step can name one)`
    : `${found}, not in '${named}')`;
}
