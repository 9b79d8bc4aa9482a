/**
 * Messages of the gRPC service as the plain objects that both clients give, with the names of the HTTP
 * bodies.
 */
import { isDatatype, InferenceServerError } from '@nereid/protocol';
import type {
  InferBatchStatistics,
  InferResponseStatistics,
  InferStatistics,
  LogSettingsResponse,
  ModelMetadataResponse,
  ModelMetadataResponse_TensorMetadata,
  ModelStatistics,
  RepositoryIndexResponse_ModelIndex,
  StatisticDuration,
  SystemSharedMemoryStatusResponse_RegionStatus,
  TraceSettingResponse,
} from '@nereid/protocol/gen';
import type {
  BatchStatisticsJson,
  DurationStatisticJson,
  InferenceStatisticsJson,
  LogSettingsJson,
  LogSettingsUpdateJson,
  ModelMetadataJson,
  ModelStateJson,
  ModelStatisticsEntryJson,
  RepositoryIndexEntryJson,
  ResponseStatisticsJson,
  SystemSharedMemoryRegionJson,
  TensorMetadataJson,
  TraceSettingJson,
  TraceSettingUpdateJson,
} from '@nereid/protocol/http';

const MODEL_STATES: readonly ModelStateJson[] = ['UNKNOWN', 'READY', 'UNAVAILABLE', 'LOADING', 'UNLOADING'];

/** The answer to ModelMetadata. */
export function toModelMetadata(response: ModelMetadataResponse): ModelMetadataJson {
  return {
    name: response.name,
    versions: response.versions,
    platform: response.platform,
    inputs: response.inputs.map(toTensorMetadata),
    outputs: response.outputs.map(toTensorMetadata),
  };
}

function toTensorMetadata({
  name,
  datatype,
  shape,
}: ModelMetadataResponse_TensorMetadata): TensorMetadataJson {
  if (isDatatype(datatype)) return { name, datatype, shape: shape.map(Number) };
  throw new InferenceServerError('INTERNAL', `tensor '${name}' has unknown datatype '${datatype}'`);
}

/** An entry of the answer to RepositoryIndex; like HTTP, without what is empty. */
export function toIndexEntry(entry: RepositoryIndexResponse_ModelIndex): RepositoryIndexEntryJson {
  const state = MODEL_STATES.find((candidate) => candidate === entry.state);
  return {
    name: entry.name,
    ...(entry.version !== '' && { version: entry.version }),
    ...(state !== undefined && { state }),
    ...(entry.reason !== '' && { reason: entry.reason }),
  };
}

/** An entry of the answer to ModelStatistics. */
export function toModelStatistics(statistics: ModelStatistics): ModelStatisticsEntryJson {
  return {
    name: statistics.name,
    version: statistics.version,
    last_inference: Number(statistics.lastInference),
    inference_count: Number(statistics.inferenceCount),
    execution_count: Number(statistics.executionCount),
    inference_stats: toInferenceStatistics(statistics.inferenceStats),
    response_stats: Object.fromEntries(
      Object.entries(statistics.responseStats).map(([index, response]) => [
        index,
        toResponseStatistics(response),
      ]),
    ),
    batch_stats: statistics.batchStats.map(toBatchStatistics),
    memory_usage: statistics.memoryUsage.map((usage) => ({
      type: usage.type,
      id: Number(usage.id),
      byte_size: Number(usage.byteSize),
    })),
  };
}

function toInferenceStatistics(statistics: InferStatistics | undefined): InferenceStatisticsJson {
  return {
    success: toDuration(statistics?.success),
    fail: toDuration(statistics?.fail),
    queue: toDuration(statistics?.queue),
    compute_input: toDuration(statistics?.computeInput),
    compute_infer: toDuration(statistics?.computeInfer),
    compute_output: toDuration(statistics?.computeOutput),
    cache_hit: toDuration(statistics?.cacheHit),
    cache_miss: toDuration(statistics?.cacheMiss),
  };
}

function toResponseStatistics(statistics: InferResponseStatistics): ResponseStatisticsJson {
  return {
    compute_infer: toDuration(statistics.computeInfer),
    compute_output: toDuration(statistics.computeOutput),
    success: toDuration(statistics.success),
    fail: toDuration(statistics.fail),
    empty_response: toDuration(statistics.emptyResponse),
    cancel: toDuration(statistics.cancel),
  };
}

function toBatchStatistics(statistics: InferBatchStatistics): BatchStatisticsJson {
  return {
    batch_size: Number(statistics.batchSize),
    compute_input: toDuration(statistics.computeInput),
    compute_infer: toDuration(statistics.computeInfer),
    compute_output: toDuration(statistics.computeOutput),
  };
}

function toDuration(duration: StatisticDuration | undefined): DurationStatisticJson {
  return { count: Number(duration?.count ?? 0), ns: Number(duration?.ns ?? 0) };
}

/** An entry of the answer to SystemSharedMemoryStatus. */
export function toSystemRegion({
  name,
  key,
  offset,
  byteSize,
}: SystemSharedMemoryStatusResponse_RegionStatus): SystemSharedMemoryRegionJson {
  return { name, key, offset: Number(offset), byte_size: Number(byteSize) };
}

/** The answer to LogSettings. */
export function toLogSettings({ settings }: LogSettingsResponse): LogSettingsJson {
  const setting = (name: string) => settings[name]?.parameterChoice.value;
  return {
    log_file: String(setting('log_file') ?? ''),
    log_info: setting('log_info') === true,
    log_warning: setting('log_warning') === true,
    log_error: setting('log_error') === true,
    log_verbose_level: Number(setting('log_verbose_level') ?? 0),
    log_format: String(setting('log_format') ?? ''),
  };
}

interface LogSetting {
  readonly parameterChoice:
    | { readonly case: 'boolParam'; readonly value: boolean }
    | { readonly case: 'uint32Param'; readonly value: number }
    | { readonly case: 'stringParam'; readonly value: string };
}

/** The settings of a LogSettings request; null stays as it is, which is: not sent. */
export function fromLogSettings(settings: LogSettingsUpdateJson): Record<string, LogSetting> {
  const entries: Record<string, LogSetting> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (typeof value === 'boolean') entries[name] = { parameterChoice: { case: 'boolParam', value } };
    else if (typeof value === 'number') entries[name] = { parameterChoice: { case: 'uint32Param', value } };
    else if (typeof value === 'string') entries[name] = { parameterChoice: { case: 'stringParam', value } };
  }
  return entries;
}

/** The answer to TraceSetting. */
export function toTraceSettings({ settings }: TraceSettingResponse): TraceSettingJson {
  const setting = (name: string) => settings[name]?.value[0];
  const logFrequency = setting('log_frequency');
  const traceFile = setting('trace_file');
  return {
    trace_level: settings['trace_level']?.value ?? [],
    trace_rate: setting('trace_rate') ?? '',
    trace_count: setting('trace_count') ?? '',
    trace_mode: setting('trace_mode') ?? '',
    ...(logFrequency !== undefined && { log_frequency: logFrequency }),
    ...(traceFile !== undefined && { trace_file: traceFile }),
  };
}

/** The settings of a TraceSetting request; an empty list stands for null. */
export function fromTraceSettings(settings: TraceSettingUpdateJson): Record<string, { value: string[] }> {
  const entries: Record<string, { value: string[] }> = {};
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined) continue;
    entries[name] = { value: value === null ? [] : [value].flat() };
  }
  return entries;
}
