import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import type { InferenceResponse } from './response/inference-response.ts';
import type { InProcessRequest } from './server.ts';
import type { InferenceService } from './service/inference-service.ts';

/** Runs one inference and gives its only response. */
export async function inferOnce(
  service: InferenceService,
  request: InProcessRequest,
): Promise<InferenceResponse> {
  const model = service.getModel(request.modelName, request.modelVersion ?? '');
  if (model.decoupled) {
    throw new InferenceServerError('UNSUPPORTED', `model '${model.name}' is decoupled: use inferStream`);
  }
  for await (const response of inferMany(service, request)) return response;
  throw new InferenceServerError('INTERNAL', `model '${model.name}' ended without a response`);
}

/** Runs one inference and gives its responses as they come. Ending the iteration early cancels it. */
export async function* inferMany(
  service: InferenceService,
  request: InProcessRequest,
): AsyncGenerator<InferenceResponse> {
  const model = service.getModel(request.modelName, request.modelVersion ?? '');
  const arrived: InferenceResponse[] = [];
  let isEnded = false;
  let wake = (): void => {};
  const pending = service.infer(model, toMessage(request), (response, final) => {
    if (response !== undefined) arrived.push(response);
    isEnded = final;
    wake();
  });
  const cancel = (): void => pending.cancel();
  if (request.signal?.aborted === true) cancel();
  request.signal?.addEventListener('abort', cancel, { once: true });
  try {
    for (;;) {
      const response = arrived.shift();
      if (response?.error !== undefined) throw response.error;
      if (response !== undefined) {
        yield response;
        continue;
      }
      if (isEnded) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  } finally {
    request.signal?.removeEventListener('abort', cancel);
    if (!isEnded) cancel();
  }
}

function toMessage(request: InProcessRequest): InferRequestMessage {
  return {
    modelName: request.modelName,
    modelVersion: request.modelVersion ?? '',
    id: request.id ?? '',
    inputs: request.inputs,
    outputs: (request.outputs ?? []).map((output) =>
      typeof output === 'string' ? { name: output, classification: 0, binaryData: false } : output,
    ),
    binaryDataOutput: false,
    priority: request.priority ?? 0,
    timeoutUs: request.timeoutUs ?? 0,
    sequence: request.sequence,
    parameters: request.parameters,
  };
}
