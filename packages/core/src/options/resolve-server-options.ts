import { InferenceServerError } from '@nereid/protocol';
import type { CacheOptions } from '../cache/cache-options.ts';
import type { LogOptions } from '../telemetry/logger.ts';
import type { MetricsOptions } from '../telemetry/metrics.ts';
import type { TraceOptions } from '../telemetry/trace.ts';
import type { Environment } from './command-line.ts';
import type { RateLimitResource, ScopedSettings } from './option-spec.ts';
import { completeOptions, type CompleteOptions, type ServerOptions } from './option-table.ts';
import { resolveCache } from './resolve-cache.ts';
import {
  assertPorts,
  resolveGrpc,
  resolveHttp,
  resolveMetricsServer,
  type EndpointOptions,
  type GrpcEndpointOptions,
  type HttpEndpointOptions,
} from './resolve-endpoints.ts';
import { resolveLogging, resolveMetrics } from './resolve-telemetry.ts';
import { resolveTracing } from './resolve-tracing.ts';

/** All that the server is made with: complete, checked and frozen. */
export interface ResolvedServerOptions {
  readonly id: string;
  readonly exitTimeoutSecs: number;
  /** 0: the serving thread speaks the protocols itself. */
  readonly frontThreads: number;
  readonly exitOnError: boolean;
  readonly strictReadiness: boolean;
  readonly modelRepository: readonly string[];
  /** Whether each repository is a namespace of its own. */
  readonly modelNamespacing: boolean;
  readonly modelControlMode: 'none' | 'poll' | 'explicit';
  /** 0: never. */
  readonly repositoryPollSecs: number;
  /** `['*']` for all. */
  readonly loadModels: readonly string[];
  readonly modelLoadThreadCount: number;
  readonly modelLoadRetryCount: number;
  readonly disableAutoCompleteConfig: boolean;
  /** '' for the ordinary configuration. */
  readonly modelConfigName: string;
  readonly backendDirectories: readonly string[];
  /** Folder with repository agents; undefined: only installed ones are found. */
  readonly repoagentDirectory: string | undefined;
  /** By backend; '' for all. */
  readonly backendSettings: ScopedSettings;
  /** By the name of the plugin. */
  readonly httpPluginSettings: ScopedSettings;
  readonly requireBackends: boolean;
  /** 0: as many as there are cores. */
  readonly executorThreads: number;
  /** The environment's `CUDA_VISIBLE_DEVICES`: which GPUs the server has; undefined: all. */
  readonly cudaVisibleDevices: string | undefined;
  readonly allowClientSharedMemory: boolean;
  /** undefined: responses are not cached. */
  readonly cache: CacheOptions | undefined;
  /** Capacities of resources; undefined: executions are not limited. */
  readonly rateLimitResources: readonly RateLimitResource[] | undefined;
  /** undefined: off. */
  readonly http: HttpEndpointOptions | undefined;
  readonly grpc: GrpcEndpointOptions | undefined;
  readonly metricsServer: EndpointOptions | undefined;
  readonly metrics: MetricsOptions;
  readonly logging: LogOptions;
  readonly tracing: TraceOptions;
}

/**
 * Checks options and completes them: the only place with defaults.
 *
 * @throws InferenceServerError INVALID_ARG naming the option, what was expected and found.
 */
export function resolveServerOptions(
  given: ServerOptions,
  environment: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): ResolvedServerOptions {
  const options = completeOptions(given);
  const endpoints = resolveEndpoints(options);
  const resolved = {
    id: options.id,
    exitTimeoutSecs: options.exitTimeoutSecs,
    frontThreads: resolveFronts(options, platform),
    exitOnError: options.exitOnError,
    strictReadiness: options.strictReadiness,
    modelRepository: options.modelRepository,
    modelNamespacing: options.modelNamespacing,
    ...resolveModelControl(options),
    modelLoadThreadCount: options.modelLoadThreadCount,
    modelLoadRetryCount: options.modelLoadRetryCount,
    disableAutoCompleteConfig: options.disableAutoCompleteConfig,
    modelConfigName: options.modelConfigName,
    backendDirectories: options.backendDirectory,
    repoagentDirectory: options.repoagentDirectory,
    backendSettings: options.backendConfig,
    httpPluginSettings: options.httpPluginConfig,
    requireBackends: options.requireBackends,
    executorThreads: options.executorThreads,
    cudaVisibleDevices: environment['CUDA_VISIBLE_DEVICES'],
    allowClientSharedMemory: options.allowClientShm,
    cache: resolveCache(options.cacheConfig, environment),
    rateLimitResources: options.rateLimit === 'off' ? undefined : options.rateLimitResource,
    ...endpoints,
    metrics: resolveMetrics(options),
    logging: resolveLogging(options, environment),
    tracing: resolveTracing(options, environment),
  };
  // A copy, so that what the caller gave is not frozen.
  return deepFreeze(structuredClone(resolved));
}

/** Where threads can't listen at one port, whose connections the system spreads. */
const WITHOUT_SHARED_PORTS: readonly NodeJS.Platform[] = ['darwin', 'win32'];

function resolveFronts({ frontThreads }: CompleteOptions, platform: NodeJS.Platform): number {
  if (frontThreads === 0 || !WITHOUT_SHARED_PORTS.includes(platform)) return frontThreads;
  throw new InferenceServerError(
    'INVALID_ARG',
    `option --front-threads: ${platform} has no ports that threads can share: expected 0, found ${frontThreads}`,
  );
}

function resolveEndpoints(
  options: CompleteOptions,
): Pick<ResolvedServerOptions, 'http' | 'grpc' | 'metricsServer'> {
  const http = resolveHttp(options);
  const grpc = resolveGrpc(options);
  const metricsServer = resolveMetricsServer(options);
  const services = [
    { flag: 'http-port', endpoint: http },
    { flag: 'grpc-port', endpoint: grpc },
    { flag: 'metrics-port', endpoint: metricsServer },
  ];
  assertPorts(services, options.sagemakerSafePortRange);
  return { http, grpc, metricsServer };
}

function resolveModelControl(
  options: CompleteOptions,
): Pick<ResolvedServerOptions, 'modelControlMode' | 'repositoryPollSecs' | 'loadModels'> {
  const { modelControlMode, repositoryPollSecs, loadModel } = options;
  if (loadModel.length > 0 && modelControlMode !== 'explicit') {
    throw new InferenceServerError(
      'INVALID_ARG',
      `option --load-model needs --model-control-mode=explicit, found ${modelControlMode}`,
    );
  }
  const loadModels = [...new Set(loadModel)];
  if (loadModels.includes('*') && loadModels.length > 1) {
    const others = loadModels.filter((name) => name !== '*').join(', ');
    throw new InferenceServerError(
      'INVALID_ARG',
      `option --load-model=* must stand alone, found also ${others}`,
    );
  }
  return { modelControlMode, repositoryPollSecs, loadModels };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value) && !(value instanceof RegExp)) {
    Object.freeze(value);
    for (const member of Object.values(value)) deepFreeze(member);
  }
  return value;
}
