import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig, ModelEnsemblingStep } from '@nereid/protocol/model-config';
import { namespaceOf, type ModelIdentifier } from '../model-identifier.ts';
import { composingModels, createEnsembleGraph, type EnsembleGraph } from '../scheduler/ensemble-graph.ts';
import { modelOfStep } from '../scheduler/ensemble-checks.ts';
import { EnsembleScheduler } from '../scheduler/ensemble-scheduler.ts';
import type { InferFunction } from '../scheduler/infer-function.ts';
import type { Clock } from '../scheduler/clock.ts';
import { ModelStatistics } from '../telemetry/statistics.ts';
import { assertCacheable } from './assert-cacheable.ts';
import { withNamespaces } from './ensemble-steps.ts';
import { Model } from './model.ts';
import type { ModelRegistry } from './model-registry.ts';
import type { ModelSource, PreparedModel } from './model-source.ts';
import type { ResponseCaching } from './response-caching.ts';

/** What ensembles need. `infer` is handed in: an ensemble is a model that infers. */
export interface EnsembleLoaderParts {
  readonly registry: ModelRegistry;
  readonly source: ModelSource;
  readonly clock: Clock;
  readonly infer: InferFunction;
  readonly caching: ResponseCaching;
}

/** An ensemble as read, and the models that its steps stand for. */
export interface PreparedEnsemble {
  readonly prepared: PreparedModel;
  /** By step. */
  readonly models: readonly ModelIdentifier[];
}

/** Makes ensembles of models that are ready. */
export class EnsembleLoader {
  readonly #parts: EnsembleLoaderParts;
  /** With which graph each ensemble was made. */
  readonly #graphs = new WeakMap<Model, EnsembleGraph>();

  constructor(parts: EnsembleLoaderParts) {
    this.#parts = parts;
  }

  /** @throws InferenceServerError INVALID_ARG when its models do not fit together, with the place in the file. */
  async load({ prepared, models }: PreparedEnsemble): Promise<readonly Model[]> {
    const { source, clock, infer, caching } = this.#parts;
    const given = withNamespaces(source.complete(prepared, undefined), models);
    const graph = this.#graph(prepared, given);
    const config = graph.decoupled ? asDecoupled(given) : given;
    const labels = await this.#labels(prepared, config);
    return prepared.versions.map((version) => {
      const statistics = new ModelStatistics({
        model: config.name,
        namespace: namespaceOf(prepared.id),
        version: String(version),
        tags: config.metric_tags,
        responseCache: caching.isOnFor(config),
      });
      const running = new EnsembleScheduler({ graph, infer, statistics, clock });
      const identity = (): string => this.#identity(prepared, config, version);
      const scheduler = caching.wrap({ scheduler: running, config, identity, statistics });
      const model = new Model({
        id: prepared.id,
        version,
        config,
        scheduler,
        instances: undefined,
        statistics,
        identity,
        labels,
      });
      this.#graphs.set(model, graph);
      return model;
    });
  }

  /**
   * Checks an ensemble against its models as they are now.
   *
   * @returns Whether it must be loaded anew, since they are not as they were.
   * @throws InferenceServerError INVALID_ARG when they do not fit together any more.
   */
  isOutdated({ prepared, models }: PreparedEnsemble): boolean {
    const [model] = this.#parts.registry.readyVersions(prepared.id);
    const graph = this.#graph(prepared, withNamespaces(prepared.config, models));
    return model === undefined || !isDeepStrictEqual(this.#graphs.get(model), graph);
  }

  #graph(prepared: PreparedModel, config: ModelConfig): EnsembleGraph {
    const refuse = (path: string, message: string): never => {
      throw this.#parts.source.errorAt(prepared, path, message);
    };
    const composing = new Map<ModelIdentifier, ModelConfig>();
    for (const [at, step] of (config.ensemble_scheduling?.step ?? []).entries()) {
      const path = `ensemble_scheduling.step[${at}]`;
      composing.set(
        modelOfStep(step),
        this.#configOf(config.name, step, (what) => refuse(path, what)),
      );
    }
    if (config.response_cache?.enable === true) {
      assertCacheable([...composing.values()], {
        configOf: (id) => this.#parts.registry.readyVersions(id).at(-1)?.config,
        refuse: (problem) =>
          refuse('response_cache', `ensemble '${config.name}' can't be cached: ${problem}`),
      });
    }
    return createEnsembleGraph(config, composing, refuse);
  }

  /** The configuration of a step's model, which must have the version that the step wants. */
  #configOf(ensemble: string, step: ModelEnsemblingStep, refuse: (what: string) => never): ModelConfig {
    const { model_version: wanted } = step;
    const id = modelOfStep(step);
    const versions = this.#parts.registry.readyVersions(id);
    const latest = versions.at(-1);
    if (latest === undefined)
      return refuse(`ensemble '${ensemble}' depends on '${id}' which has no loaded version`);
    if (wanted >= 0 && !versions.some(({ versionNumber }) => versionNumber === wanted)) {
      const loaded = versions.map(({ version }) => version).join(', ');
      refuse(
        `ensemble '${ensemble}' depends on '${id}' whose required version ${wanted} is not loaded; ` +
          `loaded: ${loaded}; 'model_version: -1' takes the latest`,
      );
    }
    return latest.config;
  }

  /** An ensemble's answers depend on its models too, which may be reloaded without it. */
  #identity({ id, fingerprint }: PreparedModel, config: ModelConfig, version: number): string {
    const models = composingModels(config).flatMap((part) => this.#parts.registry.readyVersions(part));
    return [`${id}/${version}/${fingerprint}`, ...models.map((model) => model.identity())].join(' ');
  }

  /** An ensemble's output has the labels of the step that makes it, unless it has its own. */
  async #labels(
    prepared: PreparedModel,
    config: ModelConfig,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const labels = new Map(await this.#parts.source.labels(prepared, config));
    for (const step of config.ensemble_scheduling?.step ?? []) {
      const model = this.#parts.registry.readyVersions(modelOfStep(step)).at(-1);
      for (const [modelTensor, ensembleTensor] of Object.entries(step.output_map)) {
        const own = model?.outputRules.labels.get(modelTensor);
        if (own !== undefined && !labels.has(ensembleTensor)) labels.set(ensembleTensor, own);
      }
    }
    return labels;
  }
}

/** An ensemble with a decoupled step answers as often as that does: clients are told. */
function asDecoupled(config: ModelConfig): ModelConfig {
  return { ...config, model_transaction_policy: { decoupled: true } };
}
