/** One inference on behalf of an HTTP request, from its body to the last response. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import type { InferRequestMessage, InferResponseMessage } from '@nereid/protocol';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import type { ServedModel } from '../../service/inference-service.ts';
import type { RequestTrace } from '../../telemetry/trace.ts';
import type { HttpContext } from './http-services.ts';
import { SlowReader } from './slow-reader.ts';

/** An inference to run. */
export interface HttpInference {
  readonly model: ServedModel;
  readonly message: InferRequestMessage;
  readonly trace: RequestTrace | undefined;
  /** Hears of a refusal that comes later than a throw. */
  readonly onRefused: (reason: unknown) => void;
}

/**
 * Runs an inference. It is cancelled when the client goes before its final response, and a model that may answer several
 * times waits while the client does not read.
 *
 * @throws InferenceServerError when the request is refused; the handler is then never called.
 */
export function inferWhileConnected(
  context: HttpContext,
  { model, message, trace, onRefused }: HttpInference,
  connection: HttpAnswer,
  handler: ResponseHandler,
): void {
  let isEnded = false;
  let reader: SlowReader | undefined;
  const pending = context.inference.infer(
    model,
    message,
    (response, final) => {
      isEnded = final;
      if (response?.isRefused === true) onRefused(response.error);
      else handler(response, final);
      if (!final) reader?.check();
    },
    trace,
  );
  if (isEnded) return;
  if (model.decoupled) {
    reader = new SlowReader(connection, pending, context);
    reader.check();
  }
  const cancel = (): void => {
    if (!isEnded) pending.cancel();
  };
  // It may have gone while its body was decompressed.
  if (connection.closed) cancel();
  else connection.on('close', cancel);
}

/** What a model answered, as it is encoded. */
export function toResponseMessage(
  model: ServedModel,
  { id }: InferRequestMessage,
  { parameters, outputs }: InferenceResponse,
): InferResponseMessage {
  return { modelName: model.name, modelVersion: model.version, id, parameters, outputs };
}

/** Time of the server's clock. */
export function monotonicNs(): number {
  return Math.round(performance.now() * 1e6);
}
