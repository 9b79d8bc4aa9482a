import type { InferInput, InferRequestedOutput, InferRequestMessage, Parameters } from '@nereid/protocol';
import type { InferenceResponse } from './response/inference-response.ts';
import type { RepositoryAgentStatus } from './agent/agent-registry.ts';
import type { BackendStatus } from './backend/backend-registry.ts';
import type { HttpPluginStatus } from './plugin/plugin-registry.ts';
import type { HealthService } from './service/health-service.ts';
import type { InferenceService } from './service/inference-service.ts';
import type { ManagementService } from './service/management-service.ts';

/** Ports on which a server listens; undefined for a protocol that is off. */
export interface ServerPorts {
  readonly http: number | undefined;
  readonly grpc: number | undefined;
  readonly metrics: number | undefined;
}

/** An inference in process. */
export interface InProcessRequest {
  readonly modelName: string;
  /** Default: the highest ready version. */
  readonly modelVersion?: string;
  readonly inputs: readonly InferInput[];
  /** Default: all outputs. */
  readonly outputs?: readonly (string | InferRequestedOutput)[];
  readonly id?: string;
  readonly parameters?: Parameters;
  readonly priority?: number;
  readonly timeoutUs?: number;
  readonly sequence?: InferRequestMessage['sequence'];
  /** W3C `traceparent` of the caller's span: the trace goes on below it, in mode `opentelemetry`. */
  readonly traceparent?: string;
  readonly tracestate?: string;
  readonly signal?: AbortSignal;
}

/** A server in this process. */
export interface Server extends AsyncDisposable {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  /** Every backend that was found; that one can't be used may show only when a model wants it, or after the start. */
  readonly backends: readonly BackendStatus[];
  /** Every repository agent that was found. */
  readonly repositoryAgents: readonly RepositoryAgentStatus[];
  /** Every plugin of the HTTP endpoint that was found. */
  readonly httpPlugins: readonly HttpPluginStatus[];
  /**
   * Runs one inference without a network.
   *
   * @throws InferenceServerError with the model's or the server's code.
   */
  infer(request: InProcessRequest): Promise<InferenceResponse>;
  /** The responses of a decoupled model, one after the other. */
  inferStream(request: InProcessRequest): AsyncIterable<InferenceResponse>;
  /**
   * Opens the ports that the options ask for.
   *
   * @throws InferenceServerError UNAVAILABLE naming the port that is in use.
   */
  listen(): Promise<ServerPorts>;
  /** The metrics page. */
  metrics(): string | Promise<string>;
  /**
   * Lets running requests end, within `exitTimeoutSecs`, and frees everything.
   *
   * @returns Whether all of them ended in time.
   */
  close(): Promise<boolean>;
}
