import {
  createTensor,
  datatypeOfArray,
  InferenceServerError,
  type BackendRequest,
  type BackendResponse,
  type Datatype,
  type InferCall,
  type ModelAccess,
  type Parameters,
  type Tensor,
} from '@nereid/backend-sdk';
import { toTensorValues, type ElementValues } from './element-values.ts';
import { InferTensor } from './infer-tensor.ts';

/** An inference on another model of the server. */
export interface ModelCall extends Omit<InferCall, 'modelName' | 'modelVersion' | 'inputs' | 'request'> {
  readonly model: string;
  /** Default: the highest ready version. */
  readonly version?: string | number;
  /** Inputs by the names that the called model has for them. */
  readonly inputs: Readonly<Record<string, InputValue>>;
}

/**
 * What an input can be made of. A tensor or a typed array is not copied and must not change until the call has ended.
 * Typed arrays, strings and booleans tell their datatype; for others it must be given.
 */
export type InputValue = Tensor | TypedValues;

/** Elements with their shape, the batch dimension included. */
export interface TypedValues {
  readonly shape: readonly number[];
  readonly values: ElementValues;
  readonly datatype?: Datatype;
}

/** A response of another model. */
export interface ModelCallResponse {
  readonly outputs: readonly InferTensor[];
  readonly parameters: Parameters;
  /** @throws InferenceServerError NOT_FOUND when the model did not answer that output. */
  output(name: string): InferTensor;
}

/** The other models of the server. What `infer` and `stream` throw has the called model's own code. */
export interface CalledModels {
  /**
   * Calls a model and waits for its response. The call is queued, batched and counted like any request; it is
   * cancelled with the request that it is made for, and may take no longer than that has left.
   */
  infer(call: ModelCall): Promise<ModelCallResponse>;
  /** Calls a model and gives its responses as they come, for decoupled ones. Ending the loop early cancels the call. */
  stream(call: ModelCall): AsyncIterable<ModelCallResponse>;
  isModelReady(model: string, version?: string | number): Promise<boolean>;
  /** Loads a model, or loads it again. Needs `--model-control-mode=explicit`. */
  loadModel(model: string): Promise<void>;
  /** Unloads a model. Needs `--model-control-mode=explicit`. */
  unloadModel(model: string): Promise<void>;
}

/** @param request - The request that calls are made for; undefined outside of one. */
export function createCalledModels(models: ModelAccess, request: BackendRequest | undefined): CalledModels {
  return {
    infer: async (call) => toCallResponse(call.model, await models.infer(toInferCall(call, request))),
    async *stream(call) {
      for await (const response of models.inferStream(toInferCall(call, request))) {
        yield toCallResponse(call.model, response);
      }
    },
    isModelReady: (model, version = '') => models.isReady(model, String(version)),
    loadModel: (model) => models.load(model),
    unloadModel: (model) => models.unload(model),
  };
}

function toInferCall(call: ModelCall, request: BackendRequest | undefined): InferCall {
  const { model, version = '', inputs, ...rest } = call;
  return {
    ...rest,
    ...(request !== undefined && { request }),
    modelName: model,
    modelVersion: String(version),
    inputs: Object.entries(inputs).map(([name, value]) => toTensor(name, value)),
  };
}

function toTensor(name: string, value: InputValue): Tensor {
  if ('data' in value) {
    return { name, datatype: value.datatype, shape: value.shape, data: value.data };
  }
  const datatype = value.datatype ?? datatypeOf(name, value.values);
  return createTensor(name, datatype, value.shape, toTensorValues(name, datatype, value.values));
}

/** Typed arrays say what they hold; numbers in a plain array may be of any datatype. */
function datatypeOf(name: string, values: ElementValues): Datatype {
  if (ArrayBuffer.isView(values)) {
    const datatype = datatypeOfArray(values);
    if (datatype !== undefined) return datatype;
  }
  const first: unknown = Array.isArray(values) ? values[0] : values;
  if (typeof first === 'string') return 'BYTES';
  if (typeof first === 'boolean') return 'BOOL';
  const kind = ArrayBuffer.isView(values) ? values.constructor.name : typeof first;
  throw new InferenceServerError(
    'INTERNAL',
    `input '${name}' of a call: expected a typed array, strings or booleans, or a datatype beside the values, found ${kind}`,
  );
}

function toCallResponse(model: string, { outputs, parameters = {} }: BackendResponse): ModelCallResponse {
  const tensors = outputs.map((output) => new InferTensor(output));
  return {
    outputs: tensors,
    parameters,
    output(name) {
      const tensor = tensors.find((output) => output.name === name);
      if (tensor !== undefined) return tensor;
      const found = tensors.map((output) => `'${output.name}'`).join(', ') || 'none';
      throw new InferenceServerError(
        'NOT_FOUND',
        `model '${model}' did not answer output '${name}', only ${found}`,
      );
    },
  };
}
