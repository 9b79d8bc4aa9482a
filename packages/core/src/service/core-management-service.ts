import { InferenceServerError } from '@nereid/protocol';
import type {
  ModelMetadataJson,
  ModelStatisticsEntryJson,
  RepositoryIndexEntryJson,
  ServerMetadataJson,
  TensorMetadataJson,
} from '@nereid/protocol/http';
import {
  modelConfigToJson,
  type JsonObject,
  type ModelConfig,
  type ModelInput,
  type ModelOutput,
} from '@nereid/protocol/model-config';
import { fromConfigDatatype } from '@nereid/protocol/datatype';
import type { SystemRegion } from '../memory/region.ts';
import type { CudaRegion, SharedMemoryRegistry } from '../memory/shared-memory-registry.ts';
import type { ModelControl } from '../model/model-control.ts';
import { indexed, type ModelRegistry } from '../model/model-registry.ts';
import type { ModelSource } from '../model/model-source.ts';
import type { LogSettings, LogSettingsUpdate, ServerLogger } from '../telemetry/logger.ts';
import type { Tracer, TraceSettings, TraceSettingsUpdate } from '../telemetry/trace.ts';
import type { LoadParameters, ManagementService } from './management-service.ts';

/** The extensions of the V2 protocol that the server speaks. */
const EXTENSIONS = [
  'classification',
  'sequence',
  'model_repository',
  'model_repository(unload_dependents)',
  'schedule_policy',
  'model_configuration',
  'system_shared_memory',
  'cuda_shared_memory',
  'binary_tensor_data',
  'parameters',
  'statistics',
  'trace',
  'logging',
];

/** What management needs. */
export interface ManagementServiceParts {
  readonly serverName: string;
  readonly serverVersion: string;
  readonly registry: ModelRegistry;
  readonly control: ModelControl;
  readonly source: ModelSource;
  readonly sharedMemory: SharedMemoryRegistry;
  readonly logger: ServerLogger;
  readonly tracer: Tracer;
  /** Whether the server ends what it has begun, and is not to be changed any more. */
  readonly isExiting: () => boolean;
}

/** Everything but inference and health. */
export class CoreManagementService implements ManagementService {
  readonly #parts: ManagementServiceParts;

  constructor(parts: ManagementServiceParts) {
    this.#parts = parts;
  }

  serverMetadata(): ServerMetadataJson {
    this.#assertNotExiting();
    const { serverName, serverVersion } = this.#parts;
    return { name: serverName, version: serverVersion, extensions: EXTENSIONS };
  }

  modelMetadata(name: string, version: string): ModelMetadataJson {
    this.#assertNotExiting();
    const { registry } = this.#parts;
    const model = registry.find(name, version);
    const { config } = model;
    const versions =
      version === '' ? registry.readyVersions(model.id).map((one) => one.version) : [model.version];
    const describe = (tensor: ModelInput | ModelOutput): TensorMetadataJson =>
      describeTensor(tensor, config.max_batch_size);
    return {
      name,
      versions,
      platform: config.platform === '' ? config.backend : config.platform,
      inputs: config.input.map(describe),
      outputs: config.output.map(describe),
    };
  }

  modelConfig(name: string, version: string): ModelConfig {
    return this.#parts.registry.find(name, version).config;
  }

  modelConfigJson(name: string, version: string): JsonObject {
    return modelConfigToJson(this.modelConfig(name, version));
  }

  async repositoryIndex(readyOnly: boolean): Promise<readonly RepositoryIndexEntryJson[]> {
    this.#assertNotExiting();
    const { registry, source } = this.#parts;
    return [...(await source.names())].flatMap(([id, reason]) => {
      if (reason !== undefined) return [{ ...indexed(id), state: 'UNAVAILABLE' as const, reason }];
      const entries = registry.index(id);
      return readyOnly ? entries.filter(({ state }) => state === 'READY') : entries;
    });
  }

  async loadModel(name: string, parameters: LoadParameters): Promise<void> {
    this.#assertNotExiting();
    return this.#parts.control.load(name, parameters);
  }

  async unloadModel(name: string, unloadDependents: boolean): Promise<void> {
    this.#assertNotExiting();
    return this.#parts.control.unload(name, unloadDependents);
  }

  statistics(name: string, version: string): readonly ModelStatisticsEntryJson[] {
    const { registry } = this.#parts;
    if (name === '') return registry.all().map((model) => model.statistics.toJson());
    const models = registry.readyNamed(name);
    if (models.length === 0) {
      throw new InferenceServerError('INVALID_ARG', `requested model '${name}' is not available`);
    }
    if (version === '') return models.map((model) => model.statistics.toJson());
    try {
      return [registry.find(name, version).statistics.toJson()];
    } catch (error) {
      const { code } = InferenceServerError.from(error);
      if (code === 'INVALID_ARG') throw error;
      throw new InferenceServerError(
        'INVALID_ARG',
        `requested model version is not available for model '${name}'`,
      );
    }
  }

  logSettings(): LogSettings {
    return this.#parts.logger.settings;
  }

  updateLogSettings(update: LogSettingsUpdate): LogSettings {
    return this.#parts.logger.update(update);
  }

  traceSettings(model: string | undefined): TraceSettings {
    this.#assertTraced(model);
    return this.#parts.tracer.settings(model);
  }

  updateTraceSettings(model: string | undefined, update: TraceSettingsUpdate): TraceSettings {
    this.#assertTraced(model);
    return this.#parts.tracer.update(model, update);
  }

  systemSharedMemoryStatus(region: string): readonly SystemRegion[] {
    return this.#parts.sharedMemory.systemStatus(region);
  }

  registerSystemSharedMemory(region: SystemRegion): void {
    this.#parts.sharedMemory.registerSystem(region);
  }

  unregisterSystemSharedMemory(region: string): void {
    this.#parts.sharedMemory.unregisterSystem(region);
  }

  cudaSharedMemoryStatus(region: string): readonly CudaRegion[] {
    return this.#parts.sharedMemory.cudaStatus(region);
  }

  registerCudaSharedMemory(region: CudaRegion): void {
    this.#parts.sharedMemory.registerCuda(region);
  }

  unregisterCudaSharedMemory(region: string): void {
    this.#parts.sharedMemory.unregisterCuda(region);
  }

  /** As Triton has it while the sequences that go on end (SEC-11); inference, settings and statistics still answer. */
  #assertNotExiting(): void {
    if (this.#parts.isExiting()) throw new InferenceServerError('UNAVAILABLE', 'Server not ready');
  }

  #assertTraced(model: string | undefined): void {
    if (model === undefined || this.#parts.registry.readyNamed(model).length > 0) return;
    throw new InferenceServerError('INVALID_ARG', `Request for unknown model : ${model}`);
  }
}

/** The batch dimension stands in front of the declared ones. */
function describeTensor(tensor: ModelInput | ModelOutput, maxBatchSize: number): TensorMetadataJson {
  return {
    name: tensor.name,
    datatype: fromConfigDatatype(tensor.data_type) ?? 'BYTES',
    shape: maxBatchSize > 0 ? [-1, ...tensor.dims] : tensor.dims,
  };
}
