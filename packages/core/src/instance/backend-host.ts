import type {
  Backend,
  BackendContext,
  BackendModel,
  BackendModelInstance,
  ConfigCompletion,
  InstanceContext,
  Logger,
  MetricFactory,
  ModelAccess,
} from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendSource } from '../backend/load-backend.ts';
import { allocateBuffer, shareMemory } from '../memory/large-buffer.ts';
import type { HostedRequest } from './hosted-request.ts';
import type { ModelSpec } from './instance-host.ts';
import { RequestScope } from './request-scope.ts';

/** What backends are given by the thread they run in. */
export interface HostServices {
  loadBackend(source: BackendSource): Promise<Backend>;
  logger(backendName: string): Logger;
  readonly metrics: MetricFactory;
  /** The other models, as seen from a namespace: its own come first. */
  models(namespace: string): ModelAccess;
  /** What a load is doing; `key` is that of its spec. */
  reportProgress(key: string, text: string): void;
}

interface LoadedModel {
  readonly spec: ModelSpec;
  readonly loading: Promise<BackendModel>;
  /** The last look at a configuration: instances that are asked for meanwhile are made when it has gone well. */
  validation: Promise<void> | undefined;
}

/**
 * The three life cycles (backend, model, instance) inside one thread or process. The serving thread has one,
 * and so has every executor.
 */
export class BackendHost {
  readonly #services: HostServices;
  readonly #backends = new Map<string, Promise<Backend>>();
  readonly #models = new Map<string, LoadedModel>();
  readonly #scope = new RequestScope();
  readonly #stopping = new AbortController();
  readonly #firstLoad = Promise.withResolvers<void>();

  constructor(services: HostServices) {
    this.#services = services;
  }

  /** Resolves when the first model is there to be asked for what takes time. */
  get firstLoad(): Promise<void> {
    return this.#firstLoad.promise;
  }

  /** Loads a model, once: everything else names it by its key. */
  async loadModel(spec: ModelSpec): Promise<void> {
    if (this.#models.has(spec.key)) return;
    const loading = this.#createModel(spec);
    this.#models.set(spec.key, { spec, loading, validation: undefined });
    loading.catch(() => this.#models.delete(spec.key));
    await loading;
    this.#firstLoad.resolve();
  }

  async completeConfig(key: string): Promise<ConfigCompletion | undefined> {
    const { spec, loading } = this.#model(key);
    return (await loading).completeConfig?.(spec.config);
  }

  async validateConfig(key: string, config: ModelConfig): Promise<void> {
    const model = this.#model(key);
    model.validation = model.loading.then((loaded) => loaded.validateConfig?.(config));
    await model.validation;
  }

  async createInstance(key: string, context: InstanceContext): Promise<BackendModelInstance> {
    const { loading, validation } = this.#model(key);
    await validation;
    return (await loading).createInstance(context);
  }

  /**
   * Executes a batch and sees to it that every request of an ordinary model is answered.
   *
   * @returns Whether the backend threw; the requests that were open then have its error.
   */
  execute(
    instance: BackendModelInstance,
    requests: readonly HostedRequest[],
    decoupled: boolean,
  ): boolean | Promise<boolean> {
    return this.#scope.run(requests, () => executeBatch(instance, requests, decoupled));
  }

  /** Frees the model if it was loaded here. */
  async closeModel(key: string): Promise<void> {
    const loaded = this.#models.get(key);
    if (loaded === undefined) return;
    this.#models.delete(key);
    await (await loaded.loading).close?.();
  }

  /** Has loads give up that take long. */
  stopLoading(): void {
    this.#stopping.abort(new InferenceServerError('UNAVAILABLE', 'the server is stopping'));
  }

  /** Ends all backends; models must have been closed. */
  async close(): Promise<void> {
    this.stopLoading();
    for (const loading of this.#backends.values()) {
      const backend = await loading;
      await backend.stop?.();
    }
    this.#backends.clear();
  }

  #model(key: string): LoadedModel {
    const loaded = this.#models.get(key);
    if (loaded !== undefined) return loaded;
    throw new InferenceServerError('INTERNAL', `model ${key} is not loaded in this executor`);
  }

  async #createModel(spec: ModelSpec): Promise<BackendModel> {
    const backend = await this.#backend(spec);
    return backend.createModel({
      ...this.#contextOf(spec, spec.modelNamespace),
      modelName: spec.modelName,
      modelVersion: spec.modelVersion,
      modelDirectory: spec.modelDirectory,
      versionDirectory: spec.versionDirectory,
      config: spec.config,
      reportProgress: (text) => this.#services.reportProgress(spec.key, text),
    });
  }

  #backend(spec: ModelSpec): Promise<Backend> {
    const started = this.#backends.get(spec.backendName);
    if (started !== undefined) return started;
    const starting = this.#startBackend(spec);
    this.#backends.set(spec.backendName, starting);
    starting.catch(() => this.#backends.delete(spec.backendName));
    return starting;
  }

  async #startBackend(spec: ModelSpec): Promise<Backend> {
    const backend = await this.#services.loadBackend(spec.backendSource);
    // It serves the models of all namespaces.
    await backend.start?.(this.#contextOf(spec, ''));
    return backend;
  }

  #contextOf(spec: ModelSpec, namespace: string): BackendContext {
    return {
      backendName: spec.backendName,
      settings: spec.backendSettings,
      logger: this.#scope.logger(this.#services.logger(spec.backendName)),
      metrics: this.#services.metrics,
      models: this.#services.models(namespace),
      allocate: allocateBuffer,
      shareMemory,
      signal: this.#stopping.signal,
    };
  }
}

function executeBatch(
  instance: BackendModelInstance,
  requests: readonly HostedRequest[],
  decoupled: boolean,
): boolean | Promise<boolean> {
  try {
    const running = instance.execute(requests);
    if (running instanceof Promise) {
      return running.then(
        () => endBatch(requests, decoupled),
        (error: unknown) => failBatch(requests, error),
      );
    }
    return endBatch(requests, decoupled);
  } catch (error) {
    return failBatch(requests, error);
  }
}

function endBatch(requests: readonly HostedRequest[], decoupled: boolean): boolean {
  if (decoupled) return false;
  const open = requests.filter((request) => !request.isEnded && !request.isAnsweredLater);
  if (open.length === 0) return false;
  return failBatch(
    open,
    new InferenceServerError('INTERNAL', 'the backend returned without answering the request'),
  );
}

function failBatch(requests: readonly HostedRequest[], error: unknown): boolean {
  for (const request of requests) {
    if (!request.isEnded) request.sendError(error, true);
  }
  return true;
}
