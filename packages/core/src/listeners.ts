import { InferenceServerError } from '@nereid/protocol';
import type { FrontPool } from './front/front-pool.ts';
import type { ModelRegistry } from './model/model-registry.ts';
import type { ResolvedServerOptions } from './options.ts';
import { loadHttpPlugin, type PluginRegistry } from './plugin/plugin-registry.ts';
import type { ServerPorts } from './server.ts';
import type { HealthService } from './service/health-service.ts';
import type { InferenceService } from './service/inference-service.ts';
import type { ManagementService } from './service/management-service.ts';
import type { ServerLogger } from './telemetry/logger.ts';
import type { MetricsRegistry } from './telemetry/metrics.ts';
import type { Tracer } from './telemetry/trace.ts';

/** Names in the log, as Triton's. */
const HTTP_SERVICE = 'HTTPService';
const GRPC_SERVICE = 'GRPCInferenceService';

/**
 * When the ports are open, those who wait for that are answered first; then what gRPC calls, plugins and HTTP requests out of
 * the ordinary need is loaded, unless one of them has come before.
 */
const SETTLE_MS = 50;

/** What the protocols serve. */
export interface ListenerParts {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  readonly registry: ModelRegistry;
  readonly httpPlugins: PluginRegistry;
  readonly metrics: MetricsRegistry;
  readonly logger: ServerLogger;
  readonly tracer: Tracer;
}

/** The ports of a server: HTTP, gRPC and metrics, each where it is allowed. */
export interface Listeners {
  /**
   * Loads and sets up what the ports need; `listen` does it otherwise.
   *
   * @throws InferenceServerError when an option is wrong, a certificate say.
   */
  prepare(): Promise<void>;
  listen(): Promise<ServerPorts>;
  /** Takes no new requests and waits for the running ones, at most that long. */
  stopRequests(graceMs: number): Promise<void>;
  /** Closes the metrics port, the last one open. */
  close(): Promise<void>;
}

/** One port that listens. */
interface Listener {
  readonly service: string;
  /** Loads what can wait until the port is open. */
  readonly prepare?: () => Promise<void>;
  listen(): Promise<{ readonly port: number }>;
  close(graceMs: number): Promise<void>;
}

/** The listeners that the options allow. */
interface PreparedListeners {
  readonly http: Listener | undefined;
  readonly grpc: Listener | undefined;
  readonly metrics: Listener | undefined;
  /** The threads that serve HTTP and gRPC, where these are not the serving thread's. */
  readonly fronts: FrontPool | undefined;
}

type Protocol = Exclude<keyof PreparedListeners, 'fronts'>;

/** @param afterwards - What else can wait until the ports are open. */
export function createListeners(
  parts: ListenerParts,
  options: ResolvedServerOptions,
  afterwards: () => Promise<void>,
): Listeners {
  const { logger } = parts;
  const open = new Map<Protocol, Listener>();
  let preparing: Promise<PreparedListeners> | undefined;
  const prepare = (): Promise<PreparedListeners> => (preparing ??= prepareListeners(parts, options));
  const start = async (protocol: Protocol, listener: Listener | undefined): Promise<number | undefined> => {
    if (listener === undefined) return undefined;
    const { port } = await listener.listen();
    open.set(protocol, listener);
    logger.info(`Started ${listener.service} at port ${port}`);
    return port;
  };
  const stop = async (protocol: Protocol, graceMs: number): Promise<void> =>
    open.get(protocol)?.close(graceMs);
  return {
    prepare: async () => {
      await prepare();
    },
    listen: async () => {
      try {
        const { grpc, http, metrics } = await prepare();
        const ports = {
          grpc: await start('grpc', grpc),
          http: await start('http', http),
          metrics: await start('metrics', metrics),
        };
        // An unused timer must not keep a process alive that has ended its server.
        const late = [http?.prepare, grpc?.prepare, afterwards];
        setTimeout(() => void runEach(late, logger), SETTLE_MS).unref();
        return ports;
      } catch (error) {
        await Promise.all([...open.values()].map((listener) => listener.close(0)));
        throw InferenceServerError.from(error);
      }
    },
    stopRequests: async (graceMs) => {
      await Promise.all([stop('http', graceMs), stop('grpc', graceMs)]);
    },
    close: async () => {
      await stop('metrics', 0);
      const prepared = await preparing?.catch(() => undefined);
      await prepared?.fronts?.close();
    },
  };
}

async function runEach(
  steps: readonly ((() => Promise<void>) | undefined)[],
  logger: ServerLogger,
): Promise<void> {
  for (const step of steps) {
    try {
      await step?.();
    } catch (reason) {
      logger.error(InferenceServerError.from(reason).message);
    }
  }
}

/** Loads only what is asked for: the protocols are most of the code of a start. */
async function prepareListeners(
  parts: ListenerParts,
  options: ResolvedServerOptions,
): Promise<PreparedListeners> {
  const { metrics } = parts;
  const createMetrics = async (): Promise<Listener | undefined> => {
    if (options.metricsServer === undefined) return undefined;
    const { createMetricsServer } = await import('./protocol/http/metrics-server.ts');
    const page = createMetricsServer(() => metrics.render(), { ...options.metricsServer, reusePort: false });
    return { service: 'Metrics Service', ...page };
  };
  const protocols = options.frontThreads > 0 ? prepareFronts : prepareProtocols;
  return { ...(await protocols(parts, options)), metrics: await createMetrics() };
}

/** The protocols in the serving thread. */
async function prepareProtocols(
  parts: ListenerParts,
  options: ResolvedServerOptions,
): Promise<Omit<PreparedListeners, 'metrics'>> {
  const { logger } = parts;
  const createHttp = async (): Promise<Listener | undefined> => {
    if (options.http === undefined) return undefined;
    const { createHttpServer } = await import('./protocol/http/http-server.ts');
    const services = { ...parts, logger: logger.child('http') };
    const sources = parts.httpPlugins.sources();
    const plugins = sources.map((source) => () => loadHttpPlugin(source));
    const server = createHttpServer(services, options.http, plugins);
    // What the command line says of plugins is checked before the port is open.
    if (sources.some(({ settings }) => Object.keys(settings).length > 0)) await server.prepare();
    return { service: HTTP_SERVICE, ...server };
  };
  const createGrpc = async (): Promise<Listener | undefined> => {
    if (options.grpc === undefined) return undefined;
    const { createGrpcServer } = await import('./protocol/grpc/grpc-server.ts');
    const services = { ...parts, logger: logger.child('grpc') };
    return { service: GRPC_SERVICE, ...(await createGrpcServer(services, options.grpc)) };
  };
  return { http: await createHttp(), grpc: await createGrpc(), fronts: undefined };
}

/** The protocols in threads of their own. */
async function prepareFronts(
  parts: ListenerParts,
  { http, grpc, frontThreads }: ResolvedServerOptions,
): Promise<Omit<PreparedListeners, 'metrics'>> {
  const { FrontPool: Fronts } = await import('./front/front-pool.ts');
  const fronts = new Fronts(
    { ...parts, modelChanges: parts.registry.changes },
    { threads: frontThreads, http, grpc, httpPlugins: parts.httpPlugins.sources() },
  );
  try {
    await fronts.prepare();
  } catch (error) {
    await fronts.close();
    throw error;
  }
  const listener = (protocol: 'http' | 'grpc', service: string): Listener => ({
    service,
    listen: () => fronts.listen(protocol),
    close: (graceMs) => fronts.closeProtocol(protocol, graceMs),
  });
  return {
    http: http && listener('http', HTTP_SERVICE),
    grpc: grpc && listener('grpc', GRPC_SERVICE),
    fronts,
  };
}
