/** ModelInfer: one request, one response. Hot path. */
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/gen';
import { decodeModelInferRequest, encodeModelInferResponse } from '@nereid/protocol/grpc';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import { allocateBuffer, LARGE_BYTE_SIZE, releaseBuffers } from '../../memory/large-buffer.ts';
import { spentTensors } from '../../response/spent-tensors.ts';
import type { PendingInference, ServedModel } from '../../service/inference-service.ts';
import { logFieldsOf, type RequestTrace } from '../../telemetry/trace.ts';
import type { UnaryCall } from './call.ts';
import { arrivalOf, startGrpcTrace } from './call-trace.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';
import { forwardHeaders } from './header-forwarding.ts';
import { rpcName, type Rpc } from './rpc.ts';

/** @param headerPattern - Metadata that becomes request parameters. */
export function inferRpc(services: GrpcServices, headerPattern: RegExp | undefined): Rpc {
  return {
    ...rpcName(GRPCInferenceService.method.modelInfer),
    kind: 'unary',
    handler: (call) => {
      new InferCall(services, call).start(headerPattern);
    },
  };
}

/** One inference on its way: it runs, and is answered once. A client that goes before the answer cancels it. */
class InferCall {
  readonly #services: GrpcServices;
  readonly #call: UnaryCall;
  #message: InferRequestMessage | undefined;
  #trace: RequestTrace | undefined;
  #isAnswered = false;

  constructor(services: GrpcServices, call: UnaryCall) {
    this.#services = services;
    this.#call = call;
  }

  start(headerPattern: RegExp | undefined): void {
    const { inference } = this.#services;
    const { request, metadata } = this.#call;
    let pending: PendingInference;
    try {
      const arrivedNs = arrivalOf(this.#services);
      const message = forwardHeaders(decodeModelInferRequest(request), metadata, headerPattern);
      this.#message = message;
      const model = inference.getModel(message.modelName, message.modelVersion);
      assertNotDecoupled(model);
      const traced = { modelName: model.name, modelVersion: model.version, requestId: message.id };
      this.#trace = startGrpcTrace(this.#services, { metadata, arrivedNs }, traced);
      const take: ResponseHandler = (response, final) => {
        if (response?.isRefused === true) this.#fail(response.error);
        else if (response !== undefined || final) this.#answer(model, message, response);
      };
      pending = inference.infer(model, message, take, this.#trace);
    } catch (reason) {
      this.#fail(reason);
      return;
    }
    if (this.#isAnswered && this.#trace === undefined) return;
    this.#call.onClose(() => {
      if (this.#isAnswered) this.#endTrace();
      else pending.cancel();
    });
  }

  #answer(model: ServedModel, message: InferRequestMessage, response: InferenceResponse | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#trace?.record('INFER_RESPONSE_COMPLETE');
    try {
      const answer = encodeAnswer(message, model, response);
      const spent = spentTensors(message, this.#trace !== undefined, response);
      // The answer has copies of them.
      if (spent !== undefined) releaseBuffers(spent);
      this.#trace?.record('GRPC_SEND_START');
      this.#call.answer(answer);
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #endTrace(): void {
    this.#trace?.record('GRPC_SEND_END');
    this.#trace?.end();
  }

  #fail(reason: unknown): void {
    this.#isAnswered = true;
    const { logger } = this.#services;
    const { message } = InferenceServerError.from(reason);
    this.#trace?.fail(message);
    const fields = logFieldsOf(this.#message?.id, this.#trace);
    logger.verbose(1, `Infer failed: ${message}`, fields);
    this.#call.fail(toGrpcStatus(reason, logger, fields));
  }
}

function assertNotDecoupled(model: ServedModel): void {
  if (!model.decoupled) return;
  throw new InferenceServerError(
    'UNSUPPORTED',
    "ModelInfer RPC doesn't support models with decoupled transaction policy",
  );
}

/** Small ones share memory. */
function allocateMessage(byteSize: number): Buffer {
  return byteSize < LARGE_BYTE_SIZE ? Buffer.allocUnsafe(byteSize) : allocateBuffer(byteSize);
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
  const answer = {
    modelName: model.name,
    modelVersion: model.version,
    id: message.id,
    parameters: response.parameters,
    outputs: response.outputs,
  };
  return encodeModelInferResponse(answer, allocateMessage);
}
