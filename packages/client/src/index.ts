export { InferenceServerError, type Datatype, type StatusCode } from '@nereid/protocol';
export type { InferOutput, Parameters, ParameterValue, SharedMemoryRef, Tensor } from '@nereid/protocol';
export type {
  LogSettingsJson as LogSettings,
  LogSettingsUpdateJson as LogSettingsUpdate,
  ModelMetadataJson as ModelMetadata,
  ModelStatisticsEntryJson as ModelStatistics,
  RepositoryIndexEntryJson as RepositoryIndexEntry,
  ServerMetadataJson as ServerMetadata,
  SystemSharedMemoryRegionJson as SystemSharedMemoryStatus,
  TensorMetadataJson as TensorMetadata,
  TraceSettingJson as TraceSettings,
  TraceSettingUpdateJson as TraceSettingsUpdate,
} from '@nereid/protocol/http';
export { GrpcClient } from './grpc-client.ts';
export type { GrpcClientOptions, GrpcTlsOptions } from './grpc-connection.ts';
export {
  HttpClient,
  type GenerateRequest,
  type GenerateResponse,
  type HttpClientOptions,
  type HttpInferOptions,
} from './http-client.ts';
export type { HttpCompression } from './http-connection.ts';
export { InferInput, type InferInputValues } from './infer-input.ts';
export type { InferRequestedOutput } from './infer-requested-output.ts';
export { InferResult } from './infer-result.ts';
export type {
  CallOptions,
  InferenceClient,
  InferOptions,
  InferRequestOptions,
  InferSequence,
  InferStreamRequest,
  InferStreamResponse,
  LoadModelOptions,
  ModelCallOptions,
  ModelConfig,
  SystemSharedMemoryRegion,
  UnloadModelOptions,
} from './inference-client.ts';
export type { TensorValues, TensorValuesByDatatype } from './tensor-values.ts';
