/** ModelInfer: one request, one response. Hot path. */
import type { sendUnaryData, ServerUnaryCall } from '@grpc/grpc-js';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/gen';
import { decodeModelInferRequest, encodeModelInferResponse } from '@nereid/protocol/grpc';
import type { InferenceResponse } from '../../response/inference-response.ts';
import type { PendingInference, ServedModel } from '../../service/inference-service.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';
import { forwardHeaders } from './header-forwarding.ts';
import { rpcName, type Rpc } from './rpc.ts';

/** @param headerPattern - Metadata that becomes request parameters. */
export function inferRpc(services: GrpcServices, headerPattern: RegExp | undefined): Rpc {
  const { inference, logger } = services;

  function modelInfer(call: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>): void {
    let answered = false;
    let pending: PendingInference;
    try {
      const message = forwardHeaders(decodeModelInferRequest(call.request), call.metadata, headerPattern);
      const model = inference.getModel(message.modelName, message.modelVersion);
      assertNotDecoupled(model);
      pending = inference.infer(model, message, (response, final) => {
        if (answered || (response === undefined && !final)) return;
        answered = true;
        try {
          callback(null, encodeAnswer(message, model, response));
        } catch (reason) {
          callback(toGrpcStatus(reason, logger));
        }
      });
    } catch (reason) {
      callback(toGrpcStatus(reason, logger));
      return;
    }
    if (answered) return;
    // Comes for cancellation, deadline and lost connection, and after every answer, too.
    call.on('cancelled', () => {
      if (!answered) pending.cancel();
    });
  }

  return { ...rpcName(GRPCInferenceService.method.modelInfer), kind: 'unary', handler: modelInfer };
}

function assertNotDecoupled(model: ServedModel): void {
  if (!model.decoupled) return;
  throw new InferenceServerError(
    'UNSUPPORTED',
    "ModelInfer RPC doesn't support models with decoupled transaction policy",
  );
}

function encodeAnswer(
  message: InferRequestMessage,
  model: ServedModel,
  response: InferenceResponse | undefined,
): Buffer {
  if (response === undefined) {
    throw new InferenceServerError('INTERNAL', `model '${model.name}' ended a request without a response`);
  }
  if (response.error !== undefined) throw response.error;
  return encodeModelInferResponse({
    modelName: model.name,
    modelVersion: model.version,
    id: message.id,
    parameters: response.parameters,
    outputs: response.outputs,
  });
}
