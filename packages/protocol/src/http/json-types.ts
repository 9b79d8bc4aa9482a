/** The JSON bodies of the V2 protocol and of Triton's extensions, with the member names of the wire. */
import type { Datatype } from '../datatype.ts';

/** The body of every answer that is an error. */
export interface ErrorJson {
  readonly error: string;
}

/** `GET /v2` */
export interface ServerMetadataJson {
  readonly name: string;
  readonly version: string;
  readonly extensions: readonly string[];
}

/** An input or output in the metadata of a model. */
export interface TensorMetadataJson {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 for a dimension of any size, the batch dimension included. */
  readonly shape: readonly number[];
}

/** `GET /v2/models/{model}` */
export interface ModelMetadataJson {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorMetadataJson[];
  readonly outputs: readonly TensorMetadataJson[];
}

/** The state of a model version in the repository index. */
export type ModelStateJson = 'UNKNOWN' | 'READY' | 'UNAVAILABLE' | 'LOADING' | 'UNLOADING';

/** Body of `POST /v2/repository/index`. */
export interface RepositoryIndexRequestJson {
  /** Only models that are ready. Default: false. */
  readonly ready?: boolean;
}

/** An entry of the repository index; a model that was never loaded has only its name. */
export interface RepositoryIndexEntryJson {
  readonly name: string;
  /** Path of the model's repository; only with `--model-namespacing`. */
  readonly namespace?: string;
  readonly version?: string;
  readonly state?: ModelStateJson;
  readonly reason?: string;
}

/** Answer to `POST /v2/repository/index`. */
export type RepositoryIndexJson = readonly RepositoryIndexEntryJson[];

/** Body of `POST /v2/repository/models/{model}/load`. */
export interface ModelLoadRequestJson {
  /** `config`: a model configuration as JSON text; `file:<path>`: the contents of a file in base64. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** Body of `POST /v2/repository/models/{model}/unload`. */
export interface ModelUnloadRequestJson {
  readonly parameters?: { readonly unload_dependents?: boolean };
}

/** How often something happened and how long it took in all, in nanoseconds. */
export interface DurationStatisticJson {
  readonly count: number;
  readonly ns: number;
}

/** `inference_stats` of a model version. */
export interface InferenceStatisticsJson {
  readonly success: DurationStatisticJson;
  readonly fail: DurationStatisticJson;
  readonly queue: DurationStatisticJson;
  readonly compute_input: DurationStatisticJson;
  readonly compute_infer: DurationStatisticJson;
  readonly compute_output: DurationStatisticJson;
  readonly cache_hit: DurationStatisticJson;
  readonly cache_miss: DurationStatisticJson;
}

/** `response_stats` of a model version: an entry by the index of the response within its request. */
export interface ResponseStatisticsJson {
  readonly compute_infer: DurationStatisticJson;
  readonly compute_output: DurationStatisticJson;
  readonly success: DurationStatisticJson;
  readonly fail: DurationStatisticJson;
  readonly empty_response: DurationStatisticJson;
  readonly cancel: DurationStatisticJson;
}

/** `batch_stats` of a model version: an entry for each batch size that was executed. */
export interface BatchStatisticsJson {
  readonly batch_size: number;
  readonly compute_input: DurationStatisticJson;
  readonly compute_infer: DurationStatisticJson;
  readonly compute_output: DurationStatisticJson;
}

/** `memory_usage` of a model version, in bytes. */
export interface MemoryUsageJson {
  readonly type: string;
  readonly id: number;
  readonly byte_size: number;
}

/** The statistics of one model version. */
export interface ModelStatisticsEntryJson {
  readonly name: string;
  /** Path of the model's repository; only with `--model-namespacing`. */
  readonly namespace?: string;
  readonly version: string;
  /** Milliseconds since the epoch; 0: none yet. */
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: InferenceStatisticsJson;
  readonly response_stats: Readonly<Record<string, ResponseStatisticsJson>>;
  readonly batch_stats: readonly BatchStatisticsJson[];
  readonly memory_usage: readonly MemoryUsageJson[];
}

/** `GET /v2/models/stats` and `GET /v2/models/{model}/stats` */
export interface ModelStatisticsJson {
  readonly model_stats: readonly ModelStatisticsEntryJson[];
}

/** Body of `POST /v2/systemsharedmemory/region/{region}/register`. */
export interface SystemSharedMemoryRegisterJson {
  readonly key: string;
  readonly byte_size: number;
  /** Default: 0. */
  readonly offset?: number;
}

/** An entry of `GET /v2/systemsharedmemory/status`. */
export interface SystemSharedMemoryRegionJson {
  readonly name: string;
  readonly key: string;
  readonly offset: number;
  readonly byte_size: number;
}

/** An entry of `GET /v2/cudasharedmemory/status`. */
export interface CudaSharedMemoryRegionJson {
  readonly name: string;
  readonly device_id: number;
  readonly byte_size: number;
}

/** `GET /v2/trace/setting`; the last two members only in mode `triton`. */
export interface TraceSettingJson {
  readonly trace_level: readonly string[];
  readonly trace_rate: string;
  readonly trace_count: string;
  readonly trace_mode: string;
  readonly log_frequency?: string;
  readonly trace_file?: string;
}

/** Body of `POST /v2/trace/setting`; null goes back to the setting above. */
export interface TraceSettingUpdateJson {
  readonly trace_level?: readonly string[] | null;
  readonly trace_rate?: string | null;
  readonly trace_count?: string | null;
  readonly log_frequency?: string | null;
}

/** `GET /v2/logging` */
export interface LogSettingsJson {
  readonly log_file: string;
  readonly log_info: boolean;
  readonly log_warning: boolean;
  readonly log_error: boolean;
  readonly log_verbose_level: number;
  readonly log_format: string;
}

/** Body of `POST /v2/logging`; null and what is absent stay as they are. */
export type LogSettingsUpdateJson = { readonly [K in keyof LogSettingsJson]?: LogSettingsJson[K] | null };
