/** What backends on the serving thread reach other models with: the server's own way of a request, without a network. */
import type {
  BackendRequest,
  BackendResponse,
  InferCall,
  LoadOverride,
  ModelAccess,
} from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { firstResponse, responsesOf, toMessage } from './in-process-inference.ts';
import { HostedRequest } from './instance/hosted-request.ts';
import type { InferenceResponse } from './response/inference-response.ts';
import type { InferenceService, ServedModel } from './service/inference-service.ts';

/** What calls of backends go to. */
export interface ModelAccessParts {
  readonly inference: InferenceService;
  isReady(name: string, version: string, namespace: string): Promise<boolean>;
  load(name: string, override: LoadOverride): Promise<void>;
  unload(name: string, unloadDependents: boolean): Promise<void>;
}

/** @param namespace - Of the model that calls, whose own models come first. */
export function createModelAccess(parts: ModelAccessParts, namespace: string): ModelAccess {
  const { inference, isReady, load, unload } = parts;
  const modelOf = ({ modelName, modelVersion = '' }: InferCall): ServedModel =>
    inference.getModel(modelName, modelVersion, namespace);
  return {
    async infer(call) {
      const model = modelOf(call);
      return toBackendResponse(await firstResponse(model, callModel(inference, model, call)));
    },
    async *inferStream(call) {
      for await (const response of callModel(inference, modelOf(call), call))
        yield toBackendResponse(response);
    },
    isReady: (name, version = '') => isReady(name, version, namespace),
    load: (name, override = {}) => load(name, override),
    unload: (name, { unloadDependents = false } = {}) => unload(name, unloadDependents),
  };
}

function callModel(
  inference: InferenceService,
  model: ServedModel,
  call: InferCall,
): AsyncGenerator<InferenceResponse> {
  const { request, signal } = call;
  const timeoutUs = remainingTimeUs(call);
  const message = toMessage({
    ...call,
    id: call.id ?? request?.id ?? '',
    timeoutUs,
  });
  const trace =
    request instanceof HostedRequest
      ? request.trace?.child(model.name, model.version, call.id || undefined)
      : undefined;
  return responsesOf(inference, model, message, {
    signal: joinSignals(signal, request),
    trace,
    // Not left to the queue of the called model: its policy may ignore timeouts, and a model that waits for a call to
    // itself would wait for ever.
    ...(timeoutUs > 0 && { timeLimit: { us: timeoutUs, error: expiredError(model, timeoutUs) } }),
  });
}

function expiredError({ name }: ServedModel, timeoutUs: number): InferenceServerError {
  return new InferenceServerError(
    'UNAVAILABLE',
    `the call of model '${name}' was given up: expected its end within ${timeoutUs} microseconds, its timeout or ` +
      'what the calling request had left; allow more time, or see whether models wait for one another',
  );
}

/** @throws InferenceServerError UNAVAILABLE when the calling request has no time left. */
function remainingTimeUs({ timeoutUs = 0, modelName, request }: InferCall): number {
  if (request?.deadline === undefined) return timeoutUs;
  const leftUs = Math.floor((request.deadline - Date.now()) * 1000);
  if (leftUs <= 0) {
    throw new InferenceServerError(
      'UNAVAILABLE',
      `the call of model '${modelName}' was not made: the timeout of the calling request has expired`,
    );
  }
  return timeoutUs > 0 ? Math.min(timeoutUs, leftUs) : leftUs;
}

function joinSignals(
  signal: AbortSignal | undefined,
  request: BackendRequest | undefined,
): AbortSignal | undefined {
  if (signal === undefined || request === undefined) return signal ?? request?.signal;
  return AbortSignal.any([signal, request.signal]);
}

function toBackendResponse({ outputs, parameters }: InferenceResponse): BackendResponse {
  return parameters === undefined ? { outputs } : { outputs, parameters };
}
