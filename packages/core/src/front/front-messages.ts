/** What a front (a thread that speaks the protocols) and the serving thread tell each other. All plain data. */
import type { MessagePort } from 'node:worker_threads';
import type { InferOutput, InferRequestMessage, Parameters, SharedMemoryRef } from '@nereid/protocol';
import type { WireError } from '../instance/executor-messages.ts';
import type { GrpcEndpointOptions, HttpEndpointOptions } from '../options/resolve-endpoints.ts';
import type { HttpPluginSource } from '../plugin/plugin-registry.ts';
import type { HealthService } from '../service/health-service.ts';
import type { ServedModel } from '../service/inference-service.ts';
import type { ManagementService } from '../service/management-service.ts';
import type { RemoteLogLine } from '../telemetry/remote-log.ts';
import type { TracedRequest, TraceTimestamp } from '../telemetry/trace.ts';
import type { WireBytes } from './turn-bytes.ts';

/** A protocol that fronts serve. */
export type FrontProtocol = 'http' | 'grpc';

/** What the services can be asked; the name of a method says which service. */
export interface FrontServices extends ManagementService, HealthService {
  getModel(name: string, version: string): ServedModel;
}

/** A method with what it is given. */
export type ServiceCall = {
  readonly [M in keyof FrontServices]: {
    readonly method: M;
    readonly parameters: ParametersOf<FrontServices[M]>;
  };
}[keyof FrontServices];

type ParametersOf<F> = F extends (...parameters: infer P) => unknown ? Readonly<P> : never;

/** How a call went. */
export type CallOutcome =
  { readonly error?: undefined; readonly value: unknown } | { readonly error: WireError };

/** A tensor whose bytes travel beside the message, or lie in shared memory. */
export interface WireTensor extends Omit<InferOutput, 'data'> {
  readonly bytes: WireBytes | undefined;
  readonly sharedMemory?: SharedMemoryRef;
}

/** An inference as it was decoded; its model is named as the client did. */
export interface WireInference extends Omit<InferRequestMessage, 'inputs' | 'rawInput'> {
  readonly inputs: readonly WireTensor[];
  readonly rawBytes?: WireBytes;
}

/** A moment of a trace, by the clock of the thread that gets it. */
export interface WireMoment {
  readonly name: string;
  readonly ns: number;
}

/** What a front does, in the order it did. */
export type FrontItem =
  | {
      readonly kind: 'infer';
      readonly call: number;
      readonly inference: WireInference;
      /** When anything is traced: whether this request is to be is for the serving thread to say. */
      readonly trace?: { readonly request: TracedRequest; readonly moments: readonly WireMoment[] };
    }
  | { readonly kind: 'cancel'; readonly call: number }
  | { readonly kind: 'pause'; readonly call: number; readonly isPaused: boolean }
  /** Responses that were not the last have arrived. */
  | { readonly kind: 'taken'; readonly call: number; readonly weight: number }
  /** The front's part of a trace is over. Without a call: its request never left the front. */
  | {
      readonly kind: 'traced';
      readonly call: number | undefined;
      readonly request: TracedRequest;
      readonly moments: readonly WireMoment[];
      readonly error: string | undefined;
    }
  | { readonly kind: 'call'; readonly call: number; readonly body: ServiceCall };

/** To the serving thread. */
export type FromFront =
  /** All that happened in one turn of the front's event loop. */
  | { readonly kind: 'turn'; readonly items: readonly FrontItem[]; readonly buffers: readonly ArrayBuffer[] }
  /** The front stands still until this is answered. */
  | { readonly kind: 'ask'; readonly body: ServiceCall }
  | ({ readonly kind: 'log'; readonly component: string } & RemoteLogLine)
  | { readonly kind: 'done'; readonly command: number; readonly outcome: CallOutcome };

/** A response to an inference. */
export interface WireAnswer {
  readonly call: number;
  readonly final: boolean;
  /** Undefined: only the end is told, or there is an error. */
  readonly outputs?: readonly WireTensor[];
  readonly parameters?: Parameters;
  readonly error?: WireError;
  readonly isRefused?: true;
  /** Of a request that is traced: what the log knows its trace by. */
  readonly traceId?: string;
}

/** What a front is told to do; answered by `done`. */
export type FrontCommand =
  | { readonly kind: 'prepare' }
  | { readonly kind: 'listen'; readonly protocol: FrontProtocol; readonly port: number }
  | { readonly kind: 'close'; readonly protocol: FrontProtocol; readonly graceMs: number };

/** To a front. */
export type ToFront =
  | {
      readonly kind: 'answers';
      readonly answers: readonly WireAnswer[];
      readonly buffers: readonly ArrayBuffer[];
    }
  | { readonly kind: 'reply'; readonly call: number; readonly outcome: CallOutcome }
  | { readonly kind: 'command'; readonly command: number; readonly body: FrontCommand };

/** What a front begins with. */
export interface FrontStart {
  readonly http: HttpEndpointOptions | undefined;
  readonly grpc: GrpcEndpointOptions | undefined;
  readonly httpPlugins: readonly HttpPluginSource[];
  /** Where answers to `ask` come. */
  readonly answers: MessagePort;
  /** Counts the answers to `ask`: what a front waits on that stands still. */
  readonly answerCount: Int32Array;
  readonly state: FrontState;
  /** {@link clockZero} of the serving thread. */
  readonly clockZero: bigint;
}

/** What fronts look at in shared memory. */
export interface FrontState {
  /** Another number whenever other model versions can be had. */
  readonly modelChanges: Int32Array;
  /** At {@link VERBOSE_LEVEL} and {@link TRACING}. */
  readonly settings: Int32Array;
}

/** Where the level of verbose log lines stands. */
export const VERBOSE_LEVEL = 0;
/** Where it stands whether any request may be traced: 1 or 0. */
export const TRACING = 1;
/** How many settings there are. */
export const SETTING_COUNT = 2;

/**
 * When the clock of the thread that asks, which is `performance`, was 0: in nanoseconds of the clock that all threads
 * share, and that nobody sets.
 */
export function clockZero(): bigint {
  return process.hrtime.bigint() - BigInt(Math.round(performance.now() * 1e6));
}

/** A moment's name on its way back: fronts only note those. */
export function asTimestamp({ name }: WireMoment): TraceTimestamp {
  return name as TraceTimestamp;
}
