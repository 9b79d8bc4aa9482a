import { InferenceServerError } from '@nereid/protocol';
import type { ResponseHandler } from './response/inference-response.ts';
import type { InferFunction } from './scheduler/infer-function.ts';
import type { CoreInferenceService } from './service/core-inference-service.ts';
import type { RequestTrace } from './telemetry/trace.ts';

/** How the steps of ensembles infer: as clients do, with a trace below that of the ensemble's request. */
export function createStepInference(inference: CoreInferenceService): InferFunction {
  return (message, handler, parent) => {
    const model = inference.getModelOfStep(message.model, message.modelVersion);
    if (parent === undefined) return inference.infer(model, message, handler);
    const trace = parent.child(model.name, model.version);
    try {
      return inference.infer(model, message, endsTrace(trace, handler), trace);
    } catch (error) {
      trace.fail(InferenceServerError.from(error).message);
      throw error;
    }
  };
}

function endsTrace(trace: RequestTrace, handler: ResponseHandler): ResponseHandler {
  return (response, final) => {
    if (final && response?.error !== undefined) trace.fail(response.error.message);
    else if (final) trace.end();
    handler(response, final);
  };
}
