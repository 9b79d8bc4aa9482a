/**
 * What models in TypeScript are written with. The default export is the backend that runs them.
 *
 * @module
 */
import { createScriptBackend } from './script-backend.ts';

export default createScriptBackend(import.meta.url);

export {
  defineModel,
  type Answer,
  type AnswerStream,
  type ExecuteBatchResult,
  type ExecuteResult,
  type ModelConfigPart,
  type ModelDefinition,
  type ModelInstanceMethods,
} from './define-model.ts';
export type { CalledModels, InputValue, ModelCall, ModelCallResponse, TypedValues } from './called-models.ts';
export type { ElementValues } from './element-values.ts';
export type { InferRequest } from './infer-request.ts';
export type { InferTensor } from './infer-tensor.ts';
export type { ModelContext } from './model-context.ts';
export type { ModelResponse, OutputValue, ShapedValues } from './model-response.ts';
export { createTensor, decodeStrings, InferenceServerError, tensorView } from '@nereid/backend-sdk';
export type {
  Datatype,
  Logger,
  MetricFactory,
  ModelConfig,
  Parameters,
  ParameterValue,
  SequenceFields,
  StatusCode,
  Tensor,
} from '@nereid/backend-sdk';
