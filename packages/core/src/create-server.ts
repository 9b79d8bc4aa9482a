/** The composition root: the only file that knows all parts. */
import { availableParallelism } from 'node:os';
import { InferenceServerError } from '@nereid/protocol';
import type { BackendRegistry } from './backend/backend-registry.ts';
import { openInstalledBackends } from './backend/installed-backends.ts';
import { loadBackend } from './backend/load-backend.ts';
import { inferMany, inferOnce } from './in-process-inference.ts';
import { BackendHost } from './instance/backend-host.ts';
import { ExecutorPool } from './instance/executor-pool.ts';
import { SharedMemoryRegistry } from './memory/shared-memory-registry.ts';
import { EnsembleLoader } from './model/ensemble-loader.ts';
import { ModelControl } from './model/model-control.ts';
import { ModelLifecycle } from './model/model-lifecycle.ts';
import { ModelLoader } from './model/model-loader.ts';
import { ModelRegistry } from './model/model-registry.ts';
import { resolveServerOptions, type ResolvedServerOptions, type ServerOptions } from './options.ts';
import { RepositoryModelSource } from './model/repository-model-source.ts';
import { createListeners, type Listeners } from './listeners.ts';
import { SystemClock } from './scheduler/system-clock.ts';
import type { Server } from './server.ts';
import { CoreHealthService } from './service/core-health-service.ts';
import { CoreInferenceService } from './service/core-inference-service.ts';
import { CoreManagementService } from './service/core-management-service.ts';
import { ServerLogger } from './telemetry/logger.ts';
import { MetricsRegistry } from './telemetry/metrics.ts';
import { Tracer } from './telemetry/trace.ts';
import { SERVER_VERSION } from './version.ts';

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
export async function createServer(options: ServerOptions): Promise<Server> {
  const parts = await createParts(resolveServerOptions(options));
  const { control, health, options: resolved } = parts;
  const listeners = createListeners(parts, resolved);
  const server = assemble(parts, listeners);
  try {
    const failed = await control.start();
    if (failed.size > 0 && resolved.exitOnError) {
      const names = [...failed.keys()].map((name) => `'${name}'`).join(', ');
      const [first] = failed.values();
      throw new InferenceServerError('INTERNAL', `failed to load model ${names}: ${first?.message ?? ''}`);
    }
    health.state = 'serving';
    return server;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** All parts of a server that is not listening yet. */
export type ServerParts = Awaited<ReturnType<typeof createParts>>;

/** @internal Everything that exists once in a server. */
async function createParts(options: ResolvedServerOptions) {
  const logger = new ServerLogger(options.logging);
  const clock = new SystemClock();
  const tracer = new Tracer(options.tracing, { logger: logger.child('tracer') });
  const metrics = new MetricsRegistry(options.metrics, { logger: logger.child('metrics') });
  const backends = await openBackends(options, logger);
  const source = new RepositoryModelSource(
    {
      repositoryPaths: options.modelRepository,
      configName: options.modelConfigName,
      isStrict: options.disableAutoCompleteConfig,
    },
    backends,
    logger.child('repository'),
  );
  const registry = new ModelRegistry();
  const executors = new ExecutorPool(options.executorThreads || availableParallelism(), {
    logger: (backendName) => logger.child(backendName),
    metrics: metrics.backendMetrics,
  });
  const inProcess = new BackendHost({
    loadBackend,
    logger: (backendName) => logger.child(backendName),
    metrics: metrics.backendMetrics,
  });
  const sharedMemory = new SharedMemoryRegistry();
  const inference = new CoreInferenceService({ registry, sharedMemory, clock });
  const loader = new ModelLoader({ backends, inProcess, executors, clock, source, logger: logger.child('models') });
  const ensembles = new EnsembleLoader({
    registry,
    source,
    clock,
    infer: (message, handler, trace) =>
      inference.infer(inference.getModel(message.modelName, message.modelVersion), message, handler, trace),
  });
  const lifecycle = new ModelLifecycle({
    source,
    loader,
    ensembles,
    registry,
    metrics,
    logger: logger.child('models'),
  });
  const control = new ModelControl({
    mode: options.modelControlMode,
    loadModels: options.loadModels,
    pollSecs: options.repositoryPollSecs,
    loadThreads: options.modelLoadThreadCount,
    requireBackends: options.requireBackends,
    lifecycle,
    source,
    logger: logger.child('models'),
  });
  const management = new CoreManagementService({
    serverName: options.id,
    serverVersion: SERVER_VERSION,
    registry,
    control,
    source,
    sharedMemory,
    logger,
    tracer,
  });
  const health = new CoreHealthService({ registry, lifecycle, strictReadiness: options.strictReadiness });
  return { options, logger, tracer, metrics, backends, registry, executors, inProcess, inference, lifecycle, control, management, health };
}

async function openBackends(options: ResolvedServerOptions, logger: ServerLogger): Promise<BackendRegistry> {
  const { registry: backends, problems } = await openInstalledBackends(options.backendDirectories, options.backendSettings);
  for (const problem of problems) logger.warning(problem);
  for (const { manifest, problem } of backends.status()) {
    if (problem !== undefined) logger.error(`backend '${manifest.name}' can't be used: ${problem.message}`);
  }
  return backends;
}

function assemble(parts: ServerParts, listeners: Listeners): Server {
  const { inference, management, health, metrics, backends } = parts;
  let closing: Promise<boolean> | undefined;
  const close = (): Promise<boolean> => (closing ??= closeParts(parts, listeners));
  return {
    inference,
    management,
    health,
    backends: backends.status(),
    infer: (request) => inferOnce(inference, request),
    inferStream: (request) => inferMany(inference, request),
    listen: () => listeners.listen(),
    metrics: () => metrics.render(),
    close,
    [Symbol.asyncDispose]: async () => {
      await close();
    },
  };
}

/** Stops in the order of a request's way: no new connections, then the models, then the threads. */
async function closeParts(parts: ServerParts, listeners: Listeners): Promise<boolean> {
  const { control, health, lifecycle, inProcess, executors, tracer, options } = parts;
  health.state = 'exiting';
  const deadline = AbortSignal.timeout(options.exitTimeoutSecs * 1000);
  await control.close();
  await listeners.stopRequests(options.exitTimeoutSecs * 1000);
  await lifecycle.close(deadline);
  const inTime = !deadline.aborted;
  await listeners.close();
  await inProcess.close();
  await executors.close();
  await tracer.close();
  return inTime;
}
