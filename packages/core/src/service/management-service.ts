import type { JsonObject, ModelConfig } from '@nereid/protocol/model-config';
import type {
  ModelMetadataJson,
  ModelStatisticsEntryJson,
  RepositoryIndexEntryJson,
  ServerMetadataJson,
} from '@nereid/protocol/http';
import type { LogSettings, LogSettingsUpdate } from '../telemetry/logger.ts';
import type { TraceSettings, TraceSettingsUpdate } from '../telemetry/trace.ts';
import type { SystemRegion } from '../memory/region.ts';
import type { CudaRegion } from '../memory/shared-memory-registry.ts';

/** What a load call may carry. */
export interface LoadParameters {
  /** Model configuration as JSON text, instead of the file. */
  readonly config?: string;
  /** Files by path relative to the model's folder (`1/model.onnx`); they replace the whole folder. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
}

/** Everything but inference and health, for both protocols. All throw InferenceServerError. */
export interface ManagementService {
  serverMetadata(): ServerMetadataJson;
  modelMetadata(name: string, version: string): ModelMetadataJson;
  /** The completed configuration. */
  modelConfig(name: string, version: string): ModelConfig;
  /** The same as Triton's JSON. */
  modelConfigJson(name: string, version: string): JsonObject;
  repositoryIndex(readyOnly: boolean): Promise<readonly RepositoryIndexEntryJson[]>;
  /** Resolves when the model is ready; rejects with the reason when it could not be loaded. */
  loadModel(name: string, parameters: LoadParameters): Promise<void>;
  unloadModel(name: string, unloadDependents: boolean): Promise<void>;
  /** @param name - '' for all models. */
  statistics(name: string, version: string): readonly ModelStatisticsEntryJson[];
  logSettings(): LogSettings;
  updateLogSettings(update: LogSettingsUpdate): LogSettings;
  /** @param model - undefined for the global settings. */
  traceSettings(model: string | undefined): TraceSettings;
  updateTraceSettings(model: string | undefined, update: TraceSettingsUpdate): TraceSettings;
  /** @param region - '' for all. */
  systemSharedMemoryStatus(region: string): readonly SystemRegion[];
  registerSystemSharedMemory(region: SystemRegion): void;
  unregisterSystemSharedMemory(region: string): void;
  cudaSharedMemoryStatus(region: string): readonly CudaRegion[];
  registerCudaSharedMemory(region: CudaRegion, rawHandle: Uint8Array): void;
  unregisterCudaSharedMemory(region: string): void;
}
