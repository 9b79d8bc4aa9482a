export {
  decodeInferRequest,
  DEFAULT_MAX_INPUT_SIZE,
  type DecodeInferRequestOptions,
} from './infer-request.ts';
export { encodeInferResponse, selectBinaryOutputs, type EncodedInferResponse } from './infer-response.ts';
export {
  encodeInferRequest,
  type EncodedInferRequest,
  type EncodeInferRequestOptions,
} from './encode-infer-request.ts';
export {
  decodeGenerateRequest,
  type DecodeGenerateRequestOptions,
  type GenerateInput,
} from './decode-generate-request.ts';
export { encodeGenerateResponse } from './encode-generate-response.ts';
export { EventStreamParser } from './event-stream-parser.ts';
export { decodeInferResponse } from './decode-infer-response.ts';
export { decodeJsonData, type JsonDataTarget } from './decode-json-data.ts';
export { encodeJsonData } from './encode-json-data.ts';
export { INFERENCE_HEADER_CONTENT_LENGTH, parseInferenceHeaderLength } from './inference-header.ts';
export {
  arrayMember,
  isJsonArray,
  isJsonObject,
  isUnsigned,
  memberOf,
  stringMember,
  toBooleanValue,
  toStringValue,
  toUnsignedValue,
} from './json-member.ts';
export {
  JsonDouble,
  parseJson,
  type JsonObject,
  type JsonValue,
  type ParseJsonOptions,
} from './parse-json.ts';
export { httpStatusOf, statusCodeOfHttp } from './status.ts';
export type {
  BatchStatisticsJson,
  CudaSharedMemoryRegionJson,
  DurationStatisticJson,
  ErrorJson,
  InferenceStatisticsJson,
  LogSettingsJson,
  LogSettingsUpdateJson,
  MemoryUsageJson,
  ModelLoadRequestJson,
  ModelMetadataJson,
  ModelStateJson,
  ModelStatisticsEntryJson,
  ModelStatisticsJson,
  ModelUnloadRequestJson,
  RepositoryIndexEntryJson,
  RepositoryIndexJson,
  RepositoryIndexRequestJson,
  ResponseStatisticsJson,
  ServerMetadataJson,
  SystemSharedMemoryRegionJson,
  SystemSharedMemoryRegisterJson,
  TensorMetadataJson,
  TraceSettingJson,
  TraceSettingUpdateJson,
} from './json-types.ts';
