import { InferenceServerError } from '@nereid/protocol';
import type { ResolvedServerOptions } from './options.ts';
import type { ServerPorts } from './server.ts';
import type { HealthService } from './service/health-service.ts';
import type { InferenceService } from './service/inference-service.ts';
import type { ManagementService } from './service/management-service.ts';
import type { ServerLogger } from './telemetry/logger.ts';
import type { MetricsRegistry } from './telemetry/metrics.ts';
import type { Tracer } from './telemetry/trace.ts';

/** What the protocols serve. */
export interface ListenerParts {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
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
  listen(): Promise<{ readonly port: number }>;
  close(graceMs: number): Promise<void>;
}

/** The listeners that the options allow. */
interface PreparedListeners {
  readonly http: Listener | undefined;
  readonly grpc: Listener | undefined;
  readonly metrics: Listener | undefined;
}

export function createListeners(parts: ListenerParts, options: ResolvedServerOptions): Listeners {
  const { logger } = parts;
  const open = new Map<keyof PreparedListeners, Listener>();
  let preparing: Promise<PreparedListeners> | undefined;
  const prepare = (): Promise<PreparedListeners> => (preparing ??= prepareListeners(parts, options));
  const start = async (
    protocol: keyof PreparedListeners,
    listener: Listener | undefined,
  ): Promise<number | undefined> => {
    if (listener === undefined) return undefined;
    const { port } = await listener.listen();
    open.set(protocol, listener);
    logger.info(`Started ${listener.service} at port ${port}`);
    return port;
  };
  const stop = async (protocol: keyof PreparedListeners, graceMs: number): Promise<void> =>
    open.get(protocol)?.close(graceMs);
  return {
    prepare: async () => {
      await prepare();
    },
    listen: async () => {
      try {
        const { grpc, http, metrics } = await prepare();
        return {
          grpc: await start('grpc', grpc),
          http: await start('http', http),
          metrics: await start('metrics', metrics),
        };
      } catch (error) {
        await Promise.all([...open.values()].map((listener) => listener.close(0)));
        throw InferenceServerError.from(error);
      }
    },
    stopRequests: async (graceMs) => {
      await Promise.all([stop('http', graceMs), stop('grpc', graceMs)]);
    },
    close: () => stop('metrics', 0),
  };
}

/** Loads only what is asked for: the protocols are most of the code of a start. */
async function prepareListeners(
  parts: ListenerParts,
  options: ResolvedServerOptions,
): Promise<PreparedListeners> {
  const { logger, metrics } = parts;
  const createHttp = async (): Promise<Listener | undefined> => {
    if (options.http === undefined) return undefined;
    const { createHttpServer } = await import('./protocol/http/http-server.ts');
    const services = { ...parts, logger: logger.child('http') };
    return { service: 'HTTPService', ...createHttpServer(services, options.http) };
  };
  const createGrpc = async (): Promise<Listener | undefined> => {
    if (options.grpc === undefined) return undefined;
    const { createGrpcServer } = await import('./protocol/grpc/grpc-server.ts');
    const services = { ...parts, logger: logger.child('grpc') };
    return { service: 'GRPCInferenceService', ...(await createGrpcServer(services, options.grpc)) };
  };
  const createMetrics = async (): Promise<Listener | undefined> => {
    if (options.metricsServer === undefined) return undefined;
    const { createMetricsServer } = await import('./protocol/http/metrics-server.ts');
    const page = createMetricsServer(() => metrics.render(), { ...options.metricsServer, reusePort: false });
    return { service: 'Metrics Service', ...page };
  };
  return { http: await createHttp(), grpc: await createGrpc(), metrics: await createMetrics() };
}
