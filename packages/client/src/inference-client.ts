import type { InferenceServerError, ParameterValue } from '@nereid/protocol';
import type {
  LogSettingsJson,
  LogSettingsUpdateJson,
  ModelMetadataJson,
  ModelStatisticsEntryJson,
  RepositoryIndexEntryJson,
  ServerMetadataJson,
  SystemSharedMemoryRegionJson,
  TraceSettingJson,
  TraceSettingUpdateJson,
} from '@nereid/protocol/http';
import type { JsonObject } from '@nereid/protocol/model-config';
import type { InferInput } from './infer-input.ts';
import type { InferRequestedOutput } from './infer-requested-output.ts';
import type { InferResult } from './infer-result.ts';

/** Options of every call. */
export interface CallOptions {
  /** Cancels the call, which then fails with CANCELLED. `AbortSignal.timeout(ms)` makes a deadline. */
  readonly signal?: AbortSignal | undefined;
  /** HTTP headers or gRPC metadata for this call, besides those of the client. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Options of calls about one model. */
export interface ModelCallOptions extends CallOptions {
  /** Default: '', the highest ready version. */
  readonly modelVersion?: string;
}

/** The sequence that a request belongs to. */
export interface InferSequence {
  readonly id: number | bigint | string;
  /** The first request of the sequence. Default: false. */
  readonly start?: boolean;
  /** The last request of the sequence. Default: false. */
  readonly end?: boolean;
}

/** What may be said about an inference request besides its inputs. */
export interface InferRequestOptions {
  /** Default: '', the highest ready version. */
  readonly modelVersion?: string;
  /** Comes back in the answer and stands in the log of the server. Default: none. */
  readonly requestId?: string;
  /** 1 is the highest; default: 0, the model's default level. */
  readonly priority?: number;
  /** How long the request may wait in the queue, in microseconds. Default: 0, as the model says. */
  readonly timeoutUs?: number;
  readonly sequence?: InferSequence;
  /** Parameters for the model. */
  readonly parameters?: Readonly<Record<string, ParameterValue>>;
  /** The outputs wanted. Default: all. */
  readonly outputs?: readonly (string | InferRequestedOutput)[];
}

/** Options of {@link InferenceClient.infer}. */
export interface InferOptions extends InferRequestOptions, CallOptions {}

/** A request on a stream. */
export interface InferStreamRequest extends InferRequestOptions {
  readonly modelName: string;
  readonly inputs: readonly InferInput[];
  /**
   * Decoupled models: end with a response without outputs when the last one was not known to be. Default:
   * false.
   */
  readonly enableEmptyFinalResponse?: boolean;
}

/** An answer on a stream: a result, or the error of one request, after which the stream goes on. */
export type InferStreamResponse =
  | {
      readonly kind: 'result';
      /** The id of the request; '' when it had none. */
      readonly id: string;
      /** Whether it is the last answer to its request. */
      readonly final: boolean;
      readonly result: InferResult;
    }
  | {
      readonly kind: 'error';
      readonly id: string;
      readonly final: boolean;
      /** Its code is UNKNOWN, as streams carry only the text. */
      readonly error: InferenceServerError;
    };

/** Options of {@link InferenceClient.loadModel}. */
export interface LoadModelOptions extends CallOptions {
  /** A model configuration to use instead of `config.pbtxt`: an object, or its JSON. */
  readonly config?: string | object;
  /**
   * Files to use instead of the model's directory, by path within it: `1/model.onnx`. They need a `config`.
   */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** Options of {@link InferenceClient.unloadModel}. */
export interface UnloadModelOptions extends CallOptions {
  /** Also the models that only this one (an ensemble) needs. Default: false. */
  readonly unloadDependents?: boolean;
}

/** A part of a POSIX shared-memory object that the server is to map. */
export interface SystemSharedMemoryRegion {
  /** The name by which requests speak of it. */
  readonly name: string;
  /** The name of the object: `/my_region`. */
  readonly key: string;
  readonly byteSize: number;
  /** Bytes of the object before the region. Default: 0. */
  readonly offset?: number;
}

/** A model configuration with the names of `config.pbtxt`. */
export type ModelConfig = JsonObject;

/**
 * What a client of a KServe V2 server can do, over HTTP or gRPC. The extensions of Triton (repository,
 * statistics, logging, trace) need a server that has them.
 *
 * Every method fails with an InferenceServerError: the server's own, UNAVAILABLE when it cannot be reached,
 * CANCELLED when the signal was aborted.
 */
export interface InferenceClient {
  /** Whether the server runs. */
  serverLive(options?: CallOptions): Promise<boolean>;
  /** Whether the server takes requests. */
  serverReady(options?: CallOptions): Promise<boolean>;
  /** Whether a model takes requests; false for a model that does not exist. */
  modelReady(modelName: string, options?: ModelCallOptions): Promise<boolean>;
  /** Name, version and extensions of the server. */
  serverMetadata(options?: CallOptions): Promise<ServerMetadataJson>;
  /** Versions, inputs and outputs of a model. */
  modelMetadata(modelName: string, options?: ModelCallOptions): Promise<ModelMetadataJson>;
  /** The configuration of a model as the server completed it. */
  modelConfig(modelName: string, options?: ModelCallOptions): Promise<ModelConfig>;
  /**
   * The models in the repositories of the server and their states.
   *
   * @param options `ready`: only those that are ready (default: false).
   */
  repositoryIndex(
    options?: CallOptions & { readonly ready?: boolean },
  ): Promise<readonly RepositoryIndexEntryJson[]>;
  /**
   * Loads or reloads a model and waits until it is ready. The server must be in model control mode
   * `explicit`.
   */
  loadModel(modelName: string, options?: LoadModelOptions): Promise<void>;
  /** Starts to unload a model. The server must be in model control mode `explicit`. */
  unloadModel(modelName: string, options?: UnloadModelOptions): Promise<void>;
  /**
   * Counts and durations of inferences.
   *
   * @param modelName Default: '', all models.
   */
  modelStatistics(
    modelName?: string,
    options?: ModelCallOptions,
  ): Promise<readonly ModelStatisticsEntryJson[]>;
  /** What the server logs. */
  logSettings(options?: CallOptions): Promise<LogSettingsJson>;
  /** Changes what the server logs; gives the settings that are then in force. */
  updateLogSettings(settings: LogSettingsUpdateJson, options?: CallOptions): Promise<LogSettingsJson>;
  /**
   * What the server traces.
   *
   * @param modelName Default: '', the settings of models without their own.
   */
  traceSettings(modelName?: string, options?: CallOptions): Promise<TraceSettingJson>;
  /**
   * Changes what the server traces; gives the settings that are then in force.
   *
   * @param settings null goes back to the setting above: the global one for a model, that of the start for
   * the server.
   * @param modelName Default: '', the settings of models without their own.
   */
  updateTraceSettings(
    settings: TraceSettingUpdateJson,
    modelName?: string,
    options?: CallOptions,
  ): Promise<TraceSettingJson>;
  /**
   * The shared-memory regions that are registered.
   *
   * @param regionName Default: '', all of them.
   */
  systemSharedMemoryStatus(
    regionName?: string,
    options?: CallOptions,
  ): Promise<readonly SystemSharedMemoryRegionJson[]>;
  /**
   * Has the server map shared memory of this machine, so that inputs ({@link InferInput.fromSharedMemory}) and
   * outputs (`sharedMemory` of {@link InferRequestedOutput}) can lie in it. The server must run with
   * `--allow-client-shm=true`.
   */
  registerSystemSharedMemory(region: SystemSharedMemoryRegion, options?: CallOptions): Promise<void>;
  /**
   * Has the server let a region go, as soon as no request uses it. Unknown ones are no error.
   *
   * @param regionName Default: '', all of them.
   */
  unregisterSystemSharedMemory(regionName?: string, options?: CallOptions): Promise<void>;
  /** One request, one answer. */
  infer(modelName: string, inputs: readonly InferInput[], options?: InferOptions): Promise<InferResult>;
  /**
   * Many requests, also to several models, and their answers as they come; for decoupled models, which answer
   * a request any number of times. Ends when all requests are answered; leaving the loop cancels what is
   * left. gRPC only.
   *
   * With the header `triton_grpc_error: true` the first error ends the stream and is thrown with its code.
   *
   * @throws InferenceServerError UNSUPPORTED over HTTP.
   */
  inferStream(
    requests: Iterable<InferStreamRequest> | AsyncIterable<InferStreamRequest>,
    options?: CallOptions,
  ): AsyncIterable<InferStreamResponse>;
  /** Ends the connections; calls that run are waited for (HTTP) or fail (gRPC). */
  close(): Promise<void>;
}
