import type { Logger } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendRegistry } from '../backend/backend-registry.ts';
import type { LoadedBackend } from '../backend/found-backend.ts';
import { namespaceOf } from '../model-identifier.ts';
import type { BackendHost } from '../instance/backend-host.ts';
import { ExecutorHost } from '../instance/executor-host.ts';
import type { ExecutorPool } from '../instance/executor-pool.ts';
import { InProcessHost } from '../instance/in-process-host.ts';
import { planInstances, planInstancesByKey } from '../instance/instance-group.ts';
import type { InstanceHost, ModelSpec } from '../instance/instance-host.ts';
import { InstancePool } from '../instance/instance-pool.ts';
import { RateLimitedHost } from '../instance/rate-limited-host.ts';
import { WarmInstanceHost } from '../instance/warm-instance-host.ts';
import { createInstances, ModelInstances, type PreparedChange } from '../instance/model-instances.ts';
import { createScheduler } from '../scheduler/create-scheduler.ts';
import type { Clock } from '../scheduler/clock.ts';
import type { RateLimiter } from '../scheduler/rate-limiter.ts';
import { ModelStatistics } from '../telemetry/statistics.ts';
import type { LoadProgress } from './load-progress.ts';
import { Model } from './model.ts';
import type { ModelSource, PreparedModel } from './model-source.ts';
import type { ResponseCaching } from './response-caching.ts';

/** What loading needs. */
export interface ModelLoaderParts {
  readonly backends: BackendRegistry;
  readonly inProcess: BackendHost;
  readonly executors: ExecutorPool;
  readonly clock: Clock;
  readonly source: ModelSource;
  readonly caching: ResponseCaching;
  /** undefined: executions are not limited. */
  readonly rateLimiter: RateLimiter | undefined;
  readonly progress: LoadProgress;
  readonly logger: Logger;
}

/** A model of at most this size, all files together, is light. */
const LIGHT_BYTE_SIZE = 1 << 20;

/** A version that is ready: made now, or there before and to be changed. */
interface LoadedVersion {
  readonly model: Model;
  readonly change: PreparedChange | undefined;
}

/** Brings model versions from their folder to ready, or says why not. */
export class ModelLoader {
  readonly #parts: ModelLoaderParts;
  #loads = 0;

  constructor(parts: ModelLoaderParts) {
    this.#parts = parts;
  }

  /**
   * Loads the given versions of a model, all or none.
   *
   * @param kept - Versions that stay; their instances become those of the configuration.
   * @throws InferenceServerError naming the version and the reason.
   */
  async load(prepared: PreparedModel, kept: readonly Model[] = []): Promise<readonly Model[]> {
    const results = await Promise.allSettled(
      prepared.versions.map(async (version): Promise<LoadedVersion> => {
        const model = kept.find(({ versionNumber }) => versionNumber === version);
        if (model !== undefined) return { model, change: await model.prepareChange(prepared.config) };
        return { model: await this.#loadVersion(prepared, version), change: undefined };
      }),
    );
    const failed = results.find((result) => result.status === 'rejected');
    const loaded = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    if (failed === undefined) {
      for (const { change } of loaded) change?.apply();
      return loaded.map(({ model }) => model);
    }
    await Promise.all(loaded.map(({ model, change }) => change?.discard() ?? model.close()));
    throw InferenceServerError.from(failed.reason);
  }

  /**
   * Whether it does no harm to load a model together with dozens of its kind: it is small, and the threads that all models share
   * open one after the other. Others bring a thread or a process of their own, work on the serving thread, or fetch files.
   */
  async isLight({ config, byteSize }: PreparedModel): Promise<boolean> {
    if (byteSize > LIGHT_BYTE_SIZE || (config.model_repository_agents?.agents.length ?? 0) > 0) return false;
    const loaded = await this.#parts.backends.get(config.backend).catch(() => undefined);
    return loaded?.backend.instanceHost === 'executor-thread';
  }

  async #loadVersion(prepared: PreparedModel, version: number): Promise<Model> {
    const started = performance.now();
    const loaded = await this.#parts.backends.get(prepared.config.backend);
    const spec = this.#specOf(prepared, loaded, version);
    const host = this.#createHost(spec, loaded);
    this.#parts.progress.begin(spec.key, { id: prepared.id, version });
    try {
      const config = await this.#completeConfig(prepared, host);
      const model = await this.#createModel(prepared, config, version, host);
      model.statistics.loadSeconds = (performance.now() - started) / 1000;
      return model;
    } catch (error) {
      await host.close().catch(() => undefined);
      throw error;
    } finally {
      this.#parts.progress.end(spec.key);
    }
  }

  async #completeConfig(prepared: PreparedModel, host: InstanceHost): Promise<ModelConfig> {
    const { source } = this.#parts;
    const completion = source.isStrict ? undefined : await host.completeConfig();
    return source.complete(prepared, completion);
  }

  async #createModel(
    prepared: PreparedModel,
    config: ModelConfig,
    version: number,
    backendHost: InstanceHost,
  ): Promise<Model> {
    const { clock, source, caching, logger, rateLimiter } = this.#parts;
    const limited = rateLimiter === undefined ? backendHost : new RateLimitedHost(backendHost, rateLimiter);
    const host = new WarmInstanceHost(limited, {
      name: config.name,
      version: String(version),
      modelDirectory: prepared.modelDirectory,
      logger,
    });
    const labels = await source.labels(prepared, config);
    const hosted = await createInstances(host, config, planInstancesByKey(config));
    const statistics = new ModelStatistics({
      model: config.name,
      namespace: namespaceOf(prepared.id),
      version: String(version),
      tags: config.metric_tags,
      responseCache: caching.isOnFor(config),
      modelMetrics: config.model_metrics,
    });
    const decoupled = config.model_transaction_policy?.decoupled ?? false;
    const pool = new InstancePool([...hosted.values()], { statistics, clock, decoupled });
    const { id, modelDirectory, fingerprint } = prepared;
    const identity = (): string => `${id}/${version}/${fingerprint}`;
    const warn = (message: string): void => this.#parts.logger.warning(message, { model: config.name });
    const batching = createScheduler({ config, modelDirectory, runner: pool, clock, statistics, warn });
    const scheduler = caching.wrap({ scheduler: batching, config, identity, statistics });
    const instances = new ModelInstances({ host, pool, instances: hosted });
    return new Model({ id, version, config, scheduler, instances, statistics, identity, labels });
  }

  #specOf(prepared: PreparedModel, loaded: LoadedBackend, version: number): ModelSpec {
    return {
      key: `${prepared.config.name}/${version}#${this.#loads++}`,
      backendSource: loaded.source,
      backendName: loaded.manifest.name,
      backendSettings: loaded.settings,
      modelName: prepared.config.name,
      modelNamespace: namespaceOf(prepared.id),
      modelVersion: String(version),
      modelDirectory: prepared.modelDirectory,
      versionDirectory: prepared.versionDirectory(version),
      config: prepared.config,
    };
  }

  #createHost(spec: ModelSpec, loaded: LoadedBackend): InstanceHost {
    const kind = loaded.backend.instanceHost;
    if (kind === 'in-process') return new InProcessHost(this.#parts.inProcess, spec);
    const expectedInstances = planInstances(spec.config).length;
    return new ExecutorHost(this.#parts.executors, spec, { kind, expectedInstances });
  }
}
