/**
 * Everything that a backend is written with. A backend package exports a {@link defineBackend} declaration as the
 * default of its entry module and names that module in its `package.json` under `nereid.backend`.
 *
 * @module
 */
export { defineBackend, SDK_VERSION, type BackendDefinition } from './define-backend.ts';
export type {
  Backend,
  BackendContext,
  BackendFolder,
  BackendModel,
  BackendModelInstance,
  ConfigCompletion,
  InstanceContext,
  InstanceHostKind,
  ModelContext,
  ModelFormat,
} from './backend.ts';
export {
  defineRepositoryAgent,
  type RepositoryAgent,
  type RepositoryAgentLoad,
  type RepositoryAgentModel,
} from './repository-agent.ts';
export type { BackendRequest } from './backend-request.ts';
export type { TraceContext } from './trace-context.ts';
export type { BackendResponse, ResponseSender } from './response-sender.ts';
export { createNoModelAccess, type InferCall, type LoadOverride, type ModelAccess } from './model-access.ts';
export type { Logger, LogFields } from './logger.ts';
export type { MemoryFile, MemoryLocation, MemorySharing } from './memory-sharing.ts';
export type {
  Counter,
  ForeignFamily,
  Gauge,
  Histogram,
  MetricFactory,
  MetricFamilyOptions,
  MetricLabels,
} from './metrics.ts';

export { createTensor, decodeStrings, tensorView, type TensorValues } from './tensor.ts';
export type { FixedSizeDatatype, TensorArray, TensorArrays } from './tensor-array.ts';
export { createBatchInputs } from './batch-input.ts';
export { collectInputs, type BatchingConfig } from './collect-inputs.ts';
export { splitOutputs, type SplittingConfig } from './split-outputs.ts';
export { checkModelIo } from './check-model-io.ts';
export {
  completeDynamicBatching,
  completeModelIo,
  type CompleteModelIoOptions,
} from './complete-model-io.ts';
export type { ModelTensor, ModelTensors } from './model-tensors.ts';
export {
  describeParameter,
  readBackendSettings,
  readModelParameters,
  readSettings,
  type GivenSettings,
  type ParameterSpec,
  type ParameterValuesOf,
} from './model-parameters.ts';
export { warnOfUnknownParameters } from './unknown-parameters.ts';

export {
  datatypeByteSize,
  datatypeOfArray,
  decodeBytesTensor,
  fromConfigDatatype,
  InferenceServerError,
  textEnd,
  toConfigDatatype,
  withoutImages,
} from '@nereid/protocol';
export type {
  Datatype,
  HttpErrorFields,
  Parameters,
  ParameterValue,
  SequenceFields,
  StatusCode,
  Tensor,
} from '@nereid/protocol';
export {
  createModelConfig,
  didYouMean,
  parseModelConfigJson,
  type Init,
  type ModelConfig,
} from '@nereid/protocol/model-config';
