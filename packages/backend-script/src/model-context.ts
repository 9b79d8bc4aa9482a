import type { BackendRequest, Logger, MetricFactory, ModelAccess, ModelConfig } from '@nereid/backend-sdk';
import { createCalledModels, type CalledModels } from './called-models.ts';
import type { InferRequest } from './infer-request.ts';

/**
 * What a model is given. In `execute`, `infer` and `stream` call other models on behalf of its request; those of
 * `load` and `executeBatch` belong to no request, unless one is bound with `for`.
 */
export interface ModelContext extends CalledModels, InstanceFacts {
  /** The same for calls on behalf of a request of a batch. */
  for(request: InferRequest): ModelContext;
}

/** What an instance knows of itself. */
export interface InstanceFacts {
  readonly modelName: string;
  /** The version folder's number, as text. */
  readonly modelVersion: string;
  /** `<model>_<group>_<index>` */
  readonly instanceName: string;
  readonly instanceKind: 'KIND_CPU' | 'KIND_GPU' | 'KIND_MODEL';
  /** Folder of the model: `config.pbtxt`, labels and the version folders lie here. */
  readonly modelDirectory: string;
  /** Folder of this version, where `model.ts` lies. */
  readonly versionDirectory: string;
  /** The complete configuration. */
  readonly config: ModelConfig;
  /** The values of the configuration's `parameters`. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The server's log; it obeys the log settings. */
  readonly logger: Logger;
  /** Makes metrics that appear on `/metrics`. */
  readonly metrics: MetricFactory;
}

/** @param request - The request that calls are made for; undefined outside of one. */
export function createModelContext(
  facts: InstanceFacts,
  models: ModelAccess,
  request?: BackendRequest,
): ModelContext {
  return {
    ...facts,
    ...createCalledModels(models, request),
    for: (bound) => createModelContext(facts, models, bound.backendRequest),
  };
}
