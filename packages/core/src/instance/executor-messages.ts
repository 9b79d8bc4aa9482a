/** What the serving thread and an executor (thread or child process) tell each other. All plain data. */
import type { InstanceContext, MetricLabels } from '@nereid/backend-sdk';
import type { Datatype, HttpErrorFields, Parameters, StatusCode } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { RegionHandle } from '@nereid/shared-memory';
import type { RemoteLogLine } from '../telemetry/remote-log.ts';
import type { HostedRequestFields } from './hosted-request.ts';
import type { ExecutionTimes, ModelSpec } from './instance-host.ts';

/** A tensor whose bytes lie in one of the buffers that travel with the message, or in a region behind those. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly buffer: number;
  readonly offset: number;
  readonly byteLength: number;
}

/** What few requests have; left out when a request has none of it. */
export type WireRequestExtras = Omit<HostedRequestFields, 'inputs' | 'batchSize'>;

/** One request of a batch. */
export interface WireRequest {
  readonly inputs: readonly WireTensor[];
  readonly batchSize: number;
  readonly extras: WireRequestExtras | undefined;
}

/** An error on its way between threads. */
export interface WireError {
  readonly code: StatusCode;
  readonly message: string;
  readonly stack: string | undefined;
  readonly http: HttpErrorFields | undefined;
}

/** A response to the request at `index` of its batch. */
export interface WireResponse {
  readonly index: number;
  readonly final: boolean;
  /** Undefined: only the end is told, or there is an error. */
  readonly outputs: readonly WireTensor[] | undefined;
  readonly parameters: Parameters | undefined;
  readonly error: WireError | undefined;
  /** The request is to be executed again; `outputs` are its states. */
  readonly isRescheduled: boolean;
}

/** The bytes of a batch: shared with a thread, copied to a process. */
export type WireBuffer = SharedArrayBuffer | ArrayBuffer;

/** Asks for something that is answered by a reply of the same call number. */
export type ExecutorCall =
  | { readonly kind: 'loadModel'; readonly spec: ModelSpec }
  | { readonly kind: 'completeConfig'; readonly key: string }
  | { readonly kind: 'validateConfig'; readonly key: string; readonly config: ModelConfig }
  | {
      readonly kind: 'createInstance';
      readonly key: string;
      readonly instance: number;
      readonly context: InstanceContext;
    }
  | { readonly kind: 'isReady'; readonly instance: number }
  | { readonly kind: 'closeInstance'; readonly instance: number }
  | { readonly kind: 'closeModel'; readonly key: string }
  | { readonly kind: 'close' };

/** A call and the number that its reply will have. */
export interface NumberedCall {
  readonly call: number;
  readonly body: ExecutorCall;
}

/** To the executor. `wake`: there is something in its mailbox. */
export type ToExecutor =
  | { readonly kind: 'wake' }
  /** In the order in which they were made. */
  | { readonly kind: 'calls'; readonly calls: readonly NumberedCall[] }
  | {
      readonly kind: 'execute';
      readonly instance: number;
      readonly batch: number;
      readonly buffer: WireBuffer;
      /** Shared memory of clients in which inputs lie: to a tensor, region 0 is buffer 1. */
      readonly regions: readonly RegionHandle[];
      readonly requests: readonly WireRequest[];
    }
  /** A region that came with a batch is about to be unmapped. */
  | { readonly kind: 'detachRegion'; readonly id: number }
  | {
      readonly kind: 'pause';
      readonly batch: number;
      readonly index: number;
      readonly isPaused: boolean;
    }
  | { readonly kind: 'cancel'; readonly batch: number; readonly index: number };

/** A metric that a backend moves. */
export interface WireMetric {
  readonly metric: 'counter' | 'gauge' | 'gaugeIncrement' | 'histogram';
  readonly name: string;
  readonly description: string;
  readonly buckets: readonly number[];
  readonly labels: MetricLabels;
  readonly value: number;
}

/** What is told when an instance is free again. */
export interface ExecutionEnd {
  readonly times: ExecutionTimes;
  /** Whether the backend threw. */
  readonly failed: boolean;
}

/** The outcome of a call. */
export interface Reply {
  readonly call: number;
  readonly result: unknown;
  readonly error: WireError | undefined;
}

/** From the executor. */
export type FromExecutor =
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] }
  | {
      readonly kind: 'responses';
      readonly batch: number;
      readonly responses: readonly WireResponse[];
      readonly buffers: readonly ArrayBuffer[];
      /** Set in the message that frees the instance. */
      readonly done: ExecutionEnd | undefined;
    }
  /** A moment of a traced request, in milliseconds since the epoch: threads and processes have clocks of their own. */
  | {
      readonly kind: 'activity';
      readonly batch: number;
      readonly index: number;
      readonly name: string;
      readonly epochMs: number;
    }
  | ({ readonly kind: 'log'; readonly backend: string } & RemoteLogLine)
  /** What a load is doing; `key` is that of its `ModelSpec`. */
  | { readonly kind: 'progress'; readonly key: string; readonly text: string }
  | { readonly kind: 'metric'; readonly update: WireMetric };

/** Sends a message to the serving thread. */
export type Post = (message: FromExecutor, transfer: readonly ArrayBuffer[]) => void;
