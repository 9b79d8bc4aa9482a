import type { ConfigCompletion, InstanceContext } from '@nereid/backend-sdk';
import type { Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { BackendSource } from '../backend/load-backend.ts';
import type { InferenceRequest } from '../request/inference-request.ts';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { RateLimitSlot } from '../scheduler/rate-limiter.ts';

/** A model version to be loaded in some thread or process. Plain data: it travels. */
export interface ModelSpec {
  /** Unique over the life of the server: a reload is another one. */
  readonly key: string;
  readonly backendSource: BackendSource;
  readonly backendName: string;
  readonly backendSettings: Readonly<Record<string, string>>;
  readonly modelName: string;
  /** '' for none. */
  readonly modelNamespace: string;
  readonly modelVersion: string;
  readonly modelDirectory: string;
  readonly versionDirectory: string;
  readonly config: ModelConfig;
}

/** How long the parts of an execution took, in nanoseconds. */
export interface ExecutionTimes {
  /** Until the backend had its input. */
  readonly inputNs: number;
  /** In the backend. */
  readonly inferNs: number;
  /** Until the responses were back. */
  readonly outputNs: number;
}

/** Hears what becomes of a batch. */
export interface BatchSink {
  /** A response to the request at `index` of the batch; `response` is undefined when only the end is told. */
  onResponse(index: number, response: InferenceResponse | undefined, final: boolean): void;
  /** The request at `index` is to be executed again, with these state outputs. Nothing more comes for it here. */
  onReschedule(index: number, states: readonly Tensor[]): void;
  /**
   * The instance is free again. Requests of decoupled models may still be answered later.
   *
   * @param failed - The execution threw: every request was answered with that error.
   */
  onDone(times: ExecutionTimes, failed: boolean): void;
}

/** One instance of a model, wherever it runs. */
export interface HostedInstance {
  /** Holds the resources that it needs: whoever executes acquires before and releases after. Undefined: needs none. */
  readonly rateLimit?: RateLimitSlot;
  /** Whether it takes another batch now although it executes one. Absent: never. */
  readonly takesNext?: boolean;
  /** Executes a batch. Never throws: failures come to the sink. */
  execute(requests: readonly InferenceRequest[], sink: BatchSink): void;
  isReady(): Promise<boolean>;
  close(): Promise<void>;
}

/** Where the instances of one model version run: on the serving thread, on executor threads, in processes. */
export interface InstanceHost {
  /** What the backend can say of the model file; undefined when it says nothing. */
  completeConfig(): Promise<ConfigCompletion | undefined>;
  /** Instances that are asked for meanwhile, where the backend was asked, are made when it has gone well. */
  validateConfig(config: ModelConfig): Promise<void>;
  createInstance(context: InstanceContext): Promise<HostedInstance>;
  /** Frees the model after its instances were closed. */
  close(): Promise<void>;
}
