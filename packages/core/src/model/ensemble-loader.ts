import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { composingModels, createEnsembleGraph, type EnsembleGraph } from '../scheduler/ensemble-graph.ts';
import { EnsembleScheduler, type InferFunction } from '../scheduler/ensemble-scheduler.ts';
import type { Clock } from '../scheduler/clock.ts';
import { ModelStatistics } from '../telemetry/statistics.ts';
import { Model } from './model.ts';
import type { ModelRegistry } from './model-registry.ts';
import type { ModelSource, PreparedModel } from './model-source.ts';

/** What ensembles need. `infer` is handed in: an ensemble is a model that infers. */
export interface EnsembleLoaderParts {
  readonly registry: ModelRegistry;
  readonly source: ModelSource;
  readonly clock: Clock;
  readonly infer: InferFunction;
}

/** Makes ensembles of models that are ready. */
export class EnsembleLoader {
  readonly #parts: EnsembleLoaderParts;

  constructor(parts: EnsembleLoaderParts) {
    this.#parts = parts;
  }

  /** @throws InferenceServerError INVALID_ARG when its models do not fit together. */
  async load(prepared: PreparedModel): Promise<readonly Model[]> {
    const { source, clock, infer } = this.#parts;
    const config = source.complete(prepared, undefined);
    const graph = this.#graph(config);
    const labels = await this.#labels(prepared, config, graph);
    return prepared.versions.map((version) => {
      const statistics = new ModelStatistics({
        model: config.name,
        version: String(version),
        tags: config.metric_tags,
        responseCache: config.response_cache?.enable ?? false,
      });
      const scheduler = new EnsembleScheduler({ graph, infer, statistics, clock });
      const { name } = config;
      return new Model({
        name,
        version,
        config,
        scheduler,
        pool: undefined,
        host: undefined,
        statistics,
        labels,
      });
    });
  }

  /** Checks an ensemble against its models as they are now. */
  check(prepared: PreparedModel): void {
    this.#graph(prepared.config);
  }

  #graph(config: ModelConfig): EnsembleGraph {
    const composing = new Map<string, ModelConfig>();
    for (const name of composingModels(config)) {
      const model = this.#parts.registry.readyVersions(name).at(-1);
      if (model === undefined) {
        throw new InferenceServerError(
          'INVALID_ARG',
          `ensemble '${config.name}' depends on '${name}' which has no loaded version`,
        );
      }
      composing.set(name, model.config);
    }
    return createEnsembleGraph(config, composing);
  }

  /** An ensemble's output has the labels of the step that makes it, unless it has its own. */
  async #labels(
    prepared: PreparedModel,
    config: ModelConfig,
    graph: EnsembleGraph,
  ): Promise<ReadonlyMap<string, readonly string[]>> {
    const labels = new Map(await this.#parts.source.labels(prepared, config));
    for (const step of graph.steps) {
      const model = this.#parts.registry.readyVersions(step.modelName).at(-1);
      for (const { modelTensor, ensembleTensor } of step.outputs) {
        const own = model?.outputRules.labels.get(modelTensor);
        if (own !== undefined && !labels.has(ensembleTensor)) labels.set(ensembleTensor, own);
      }
    }
    return labels;
  }
}
