import { InferenceServerError } from '@nereid/protocol';
import { createGrpcServer } from './protocol/grpc/grpc-server.ts';
import { createHttpServer } from './protocol/http/http-server.ts';
import { createMetricsServer } from './protocol/http/metrics-server.ts';
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

export function createListeners(parts: ListenerParts, options: ResolvedServerOptions): Listeners {
  const { logger } = parts;
  const http =
    options.http &&
    asListener('HTTPService', createHttpServer({ ...parts, logger: logger.child('http') }, options.http));
  const grpc =
    options.grpc &&
    asListener(
      'GRPCInferenceService',
      createGrpcServer({ ...parts, logger: logger.child('grpc') }, options.grpc),
    );
  const metricsPage =
    options.metricsServer &&
    asListener(
      'Metrics Service',
      createMetricsServer(() => parts.metrics.render(), { ...options.metricsServer, reusePort: false }),
    );
  const open: Listener[] = [];
  const start = async (listener: Listener | undefined): Promise<number | undefined> => {
    if (listener === undefined) return undefined;
    const { port } = await listener.listen();
    open.push(listener);
    logger.info(`Started ${listener.service} at port ${port}`);
    return port;
  };
  const stop = (listener: Listener | undefined, graceMs: number): Promise<void> =>
    listener !== undefined && open.includes(listener) ? listener.close(graceMs) : Promise.resolve();
  return {
    listen: async () => {
      try {
        return { grpc: await start(grpc), http: await start(http), metrics: await start(metricsPage) };
      } catch (error) {
        await Promise.all(open.map((listener) => listener.close(0)));
        throw InferenceServerError.from(error);
      }
    },
    stopRequests: async (graceMs) => {
      await Promise.all([stop(http, graceMs), stop(grpc, graceMs)]);
    },
    close: () => stop(metricsPage, 0),
  };
}

function asListener(service: string, server: Omit<Listener, 'service'>): Listener {
  return { service, listen: () => server.listen(), close: (graceMs) => server.close(graceMs) };
}
