/** The composition root: the only file that knows all parts. */
import { availableParallelism } from 'node:os';
import { setImmediate as nextTurn, setTimeout as wait } from 'node:timers/promises';
import type { ModelAccess } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { AgentRegistry } from './agent/agent-registry.ts';
import type { BackendRegistry } from './backend/backend-registry.ts';
import { openInstalledBackends } from './backend/installed-backends.ts';
import { loadBackend } from './backend/load-backend.ts';
import { createResponseCache } from './cache/create-response-cache.ts';
import type { ResponseCache } from './cache/response-cache.ts';
import { inferMany, inferOnce } from './in-process-inference.ts';
import { BackendHost } from './instance/backend-host.ts';
import { ExecutorPool } from './instance/executor-pool.ts';
import { openRegionMemory } from './memory/open-region-memory.ts';
import { SharedMemoryRegistry } from './memory/shared-memory-registry.ts';
import { EnsembleLoader } from './model/ensemble-loader.ts';
import { createModelAccess, type ModelAccessParts } from './model-access.ts';
import { LoadProgress } from './model/load-progress.ts';
import { ModelControl, type ModelControlParts } from './model/model-control.ts';
import { ModelLifecycle } from './model/model-lifecycle.ts';
import { ModelLoader } from './model/model-loader.ts';
import { ModelNames } from './model/model-names.ts';
import { ModelRegistry } from './model/model-registry.ts';
import { ResponseCaching } from './model/response-caching.ts';
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './options.ts';
import { RepositoryModelSource } from './model/repository-model-source.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { PluginRegistry } from './plugin/plugin-registry.ts';
import { hasEntries } from './repository/has-entries.ts';
import { listGpus } from './repository/list-gpus.ts';
import { RateLimiter } from './scheduler/rate-limiter.ts';
import { SystemClock } from './scheduler/system-clock.ts';
import type { Server } from './server.ts';
import { createStepInference } from './step-inference.ts';
import { CoreHealthService } from './service/core-health-service.ts';
import { CoreInferenceService } from './service/core-inference-service.ts';
import { CoreManagementService } from './service/core-management-service.ts';
import { ServerLogger } from './telemetry/logger.ts';
import { MetricsRegistry } from './telemetry/metrics.ts';
import { createTracer } from './telemetry/create-tracer.ts';
import { SERVER_VERSION } from './version.ts';

/**
 * What a backend on this thread gets for its first steps, reading files and starting processes, before this thread is
 * busy for some 60 ms.
 */
const FIRST_STEPS_MS = 10;

/**
 * Starts a server in this process: finds the backends and loads the models. It opens no port until `listen`.
 *
 * ```ts
 * await using server = await createServer({ modelRepository: ['models'] });
 * const { outputs } = await server.infer({ modelName: 'addsub', inputs });
 * ```
 *
 * @throws InferenceServerError when an option is wrong, a repository can't be read, or, with `exitOnError`, a
 * model can't be loaded.
 */
export function createServer(options: ServerOptions): Promise<Server> {
  return startServer(options, { listens: false });
}

/**
 * Starts a server like `createServer`.
 *
 * @param listens - Whether `listen` will follow: what it needs is then loaded while the models load.
 * @param signal - Gives the start up: loads that take long end, and then the start fails.
 */
export async function startServer(
  options: ServerOptions,
  { listens, signal }: { readonly listens: boolean; readonly signal?: AbortSignal },
): Promise<Server> {
  const parts = await createParts(resolveServerOptions(options));
  const { control, health, lifecycle, options: resolved } = parts;
  const listeners = createListeners(parts, resolved, () => tryBackends(parts));
  const server = assemble(parts, listeners);
  const giveUp = (): void => parts.inProcess.stopLoading();
  signal?.addEventListener('abort', giveUp, { once: true });
  if (signal?.aborted === true) giveUp();
  try {
    // What ends the start is told by the error that it ends with, and not in the log besides.
    lifecycle.logsFailures = !resolved.exitOnError;
    const loading = control.start();
    const [failed] = await Promise.all([loading, listens && prepareMeanwhile(listeners, loading, parts)]);
    lifecycle.logsFailures = true;
    parts.tellProblems();
    signal?.throwIfAborted();
    if (failed.size > 0 && resolved.exitOnError) throw cannotLoad([...failed.values()]);
    health.state = 'serving';
    return server;
  } catch (error) {
    await server.close();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Waits until others are loading a model, threads or processes: this thread would hold up what it waits for. */
async function prepareMeanwhile(
  listeners: Listeners,
  loading: Promise<unknown>,
  { executors, inProcess }: Pick<ServerParts, 'executors' | 'inProcess'>,
): Promise<void> {
  const begun = inProcess.firstLoad.then(() => wait(FIRST_STEPS_MS));
  await Promise.race([loading, executors.firstLease, begun]);
  // What an executor is asked for leaves at the end of the turn in which it has its first model.
  await nextTurn();
  await listeners.prepare();
}

function cannotLoad(errors: readonly InferenceServerError[]): InferenceServerError {
  const messages = errors.map(({ message }) => message);
  const text = messages.length === 1 ? messages.join() : `${messages.length} models: ${messages.join('; ')}`;
  return new InferenceServerError('INTERNAL', text, { cause: errors[0] });
}

/** What every part may use. */
interface Base {
  readonly options: ResolvedServerOptions;
  readonly logger: ServerLogger;
  readonly clock: SystemClock;
  readonly metrics: MetricsRegistry;
  readonly names: ModelNames;
  readonly registry: ModelRegistry;
  /** undefined: responses are not cached. */
  readonly cache: ResponseCache | undefined;
}

/** All parts of a server that is not listening yet. */
type ServerParts = Awaited<ReturnType<typeof createParts>>;

async function createParts(options: ResolvedServerOptions) {
  const logger = new ServerLogger(options.logging);
  // First, since it may fail, and there is nothing yet that would have to be ended.
  const cache = await createResponseCache(options.cache, logger.child('cache'));
  const metrics = new MetricsRegistry(options.metrics, { logger: logger.child('metrics') });
  const names = new ModelNames(options.modelNamespacing);
  const registry = new ModelRegistry(names);
  const base: Base = { options, logger, metrics, clock: new SystemClock(), names, registry, cache };
  const execution = createExecution(base);
  if (options.modelRepository.some(hasEntries)) execution.executors.prewarm();
  const extensions = await openBackends(options, logger);
  const sharedMemory = new SharedMemoryRegistry({
    isAllowed: options.allowClientSharedMemory,
    open: openRegionMemory,
  });
  const inference = new CoreInferenceService({ registry: base.registry, sharedMemory, clock: base.clock });
  const models = createModels(base, extensions, { ...execution, inference });
  const tracer = await createTracer(options.tracing, {
    logger: logger.child('tracer'),
    serverVersion: SERVER_VERSION,
  });
  const management = new CoreManagementService({
    serverName: options.id,
    serverVersion: SERVER_VERSION,
    registry: base.registry,
    control: models.control,
    source: models.source,
    sharedMemory,
    logger,
    tracer,
    isExiting: () => health.state === 'exiting',
  });
  const { strictReadiness } = options;
  const health = new CoreHealthService({
    registry: base.registry,
    lifecycle: models.lifecycle,
    strictReadiness,
  });
  return {
    ...base,
    ...execution,
    ...models,
    ...extensions,
    inference,
    tracer,
    management,
    health,
    sharedMemory,
  };
}

/** Where instances run. */
function createExecution({ options, logger, metrics, registry }: Base) {
  const progress = new LoadProgress(registry, logger.child('models'));
  const services = {
    logger: (backendName: string) => logger.child(backendName),
    metrics: metrics.backendMetrics,
    reportProgress: (key: string, text: string) => progress.report(key, text),
  };
  return {
    progress,
    services,
    executors: new ExecutorPool(options.executorThreads || availableParallelism(), services),
  };
}

/** What brings models from the repositories to ready. */
function createModels(
  { options, logger, clock, metrics, names, registry, cache }: Base,
  extensions: Extensions,
  {
    executors,
    services,
    progress,
    inference,
  }: ReturnType<typeof createExecution> & { readonly inference: CoreInferenceService },
) {
  const source = createModelSource(options, extensions, logger);
  const modelLogger = logger.child('models');
  const access: ModelAccessParts = {
    inference,
    isReady: (name, version, namespace) => registry.isReady(name, version, namespace),
    load: (name, override) => control.load(name, override),
    unload: (name, unloadDependents) => control.unload(name, unloadDependents),
  };
  const models = (namespace: string): ModelAccess => createModelAccess(access, namespace);
  const inProcess = new BackendHost({ loadBackend, ...services, models });
  const caching = new ResponseCaching({ cache, clock, logger: modelLogger });
  const loader = new ModelLoader({
    backends: extensions.backends,
    inProcess,
    executors,
    clock,
    source,
    caching,
    progress,
    rateLimiter: options.rateLimitResources && new RateLimiter(options.rateLimitResources),
    logger: modelLogger,
  });
  const infer = createStepInference(inference);
  const ensembles = new EnsembleLoader({ registry, source, clock, infer, caching });
  const lifecycle = new ModelLifecycle({
    source,
    loader,
    ensembles,
    registry,
    names,
    metrics,
    logger: modelLogger,
    sequenceDeadline: () => AbortSignal.timeout(options.exitTimeoutSecs * 1000),
  });
  const control = createControl(options, { lifecycle, names, source, logger: modelLogger });
  return { source, lifecycle, control, inProcess };
}

function createControl(
  options: ResolvedServerOptions,
  parts: Pick<ModelControlParts, 'lifecycle' | 'names' | 'source' | 'logger'>,
): ModelControl {
  return new ModelControl({
    ...parts,
    mode: options.modelControlMode,
    loadModels: options.loadModels,
    pollSecs: options.repositoryPollSecs,
    loadThreads: options.modelLoadThreadCount,
    requireBackends: options.requireBackends,
  });
}

function createModelSource(
  options: ResolvedServerOptions,
  { backends, agents }: Extensions,
  logger: ServerLogger,
): RepositoryModelSource {
  return new RepositoryModelSource(
    {
      repositoryPaths: options.modelRepository,
      isNamespaced: options.modelNamespacing,
      configName: options.modelConfigName,
      isStrict: options.disableAutoCompleteConfig,
      agents,
      gpus: listGpus(options.cudaVisibleDevices),
    },
    backends,
    logger.child('repository'),
  );
}

/** What installed packages bring. */
interface Extensions {
  readonly backends: BackendRegistry;
  readonly agents: AgentRegistry;
  readonly httpPlugins: PluginRegistry;
  /** Logs which backends can't be used, as far as that is known; of each once. */
  tellProblems(): void;
}

async function openBackends(options: ResolvedServerOptions, logger: ServerLogger): Promise<Extensions> {
  const { repoagentDirectory } = options;
  const found = await openInstalledBackends(
    [...options.backendDirectories, ...(repoagentDirectory === undefined ? [] : [repoagentDirectory])],
    options.backendSettings,
  );
  const { registry: backends, problems } = found;
  for (const problem of problems) logger.warning(problem);
  const told = new Set<InferenceServerError>();
  const tellProblems = (): void => {
    for (const { manifest, problem } of backends.status()) {
      if (problem === undefined || told.has(problem)) continue;
      told.add(problem);
      logger.error(`backend '${manifest.name}' can't be used: ${problem.message}`);
    }
  };
  tellProblems();
  const httpPlugins = new PluginRegistry(found.httpPlugins, options.httpPluginSettings);
  for (const { manifest, problem } of httpPlugins.status()) {
    if (problem !== undefined)
      logger.error(`HTTP plugin '${manifest.name}' can't be used: ${problem.message}`);
  }
  return { backends, agents: new AgentRegistry(found.repositoryAgents), httpPlugins, tellProblems };
}

/** Imports the backends that no model has wanted yet, and tells which of them can't be used. */
async function tryBackends({ backends, tellProblems }: Extensions): Promise<void> {
  await backends.loadAll();
  tellProblems();
}

function assemble(parts: ServerParts, listeners: Listeners): Server {
  const { inference, tracer, management, health, metrics, backends, agents, httpPlugins } = parts;
  const inProcess = { inference, tracer };
  let closing: Promise<boolean> | undefined;
  const close = (): Promise<boolean> => (closing ??= closeParts(parts, listeners));
  return {
    inference,
    management,
    health,
    get backends() {
      return backends.status();
    },
    repositoryAgents: agents.status(),
    httpPlugins: httpPlugins.status(),
    infer: (request) => inferOnce(inProcess, request),
    inferStream: (request) => inferMany(inProcess, request),
    listen: () => listeners.listen(),
    metrics: () => metrics.render(),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

/** Stops in the order of a request's way: no new sequences, no new connections, then the models, then the threads. */
async function closeParts(parts: ServerParts, listeners: Listeners): Promise<boolean> {
  const { control, health, lifecycle, registry, inProcess, executors, sharedMemory, tracer, options } = parts;
  health.state = 'exiting';
  inProcess.stopLoading();
  const deadline = AbortSignal.timeout(options.exitTimeoutSecs * 1000);
  await control.close();
  // Their next requests still have to come in.
  await lifecycle.endSequences(deadline);
  await listeners.stopRequests(options.exitTimeoutSecs * 1000);
  await lifecycle.close(deadline);
  registry.close();
  const inTime = !deadline.aborted;
  await listeners.close();
  sharedMemory.close();
  await inProcess.close();
  await executors.close();
  await parts.cache?.close();
  await tracer.close();
  return inTime;
}
