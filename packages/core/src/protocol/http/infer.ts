/** `POST /v2/models/{model}[/versions/{version}]/infer`: one request, one response. Hot path. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { InferenceServerError, type InferRequestMessage, type InferResponseMessage } from '@nereid/protocol';
import {
  decodeInferRequest,
  encodeInferResponse,
  parseInferenceHeaderLength,
  selectBinaryOutputs,
} from '@nereid/protocol/http';
import type { InferenceResponse } from '../../response/inference-response.ts';
import type { PendingInference, ServedModel } from '../../service/inference-service.ts';
import { logFieldsOf, type RequestTrace } from '../../telemetry/trace.ts';
import {
  decompress,
  requestCompression,
  responseCompression,
  SUPPORTED_COMPRESSIONS,
} from './compression.ts';
import { sendError } from './error-handler.ts';
import { forwardHeaders } from './header-forwarding.ts';
import type { HttpContext } from './http-services.ts';
import { sendInferResponse } from './infer-answer.ts';
import { collectBody } from './request-body.ts';
import { startHttpTrace } from './request-trace.ts';
import { addRoute, modelPaths, type HttpRequest } from './route.ts';

/** Header names as Node gives them. */
const HEADER_LENGTH = 'inference-header-content-length';

/** Inference. */
export function infer(app: FastifyInstance, context: HttpContext): void {
  const post = (request: HttpRequest, response: ServerResponse): void => {
    const { model = '', version = '' } = request.params;
    new InferCall(context, request, response).read(context.inference.getModel(model, version));
  };
  for (const path of modelPaths('/infer')) addRoute(app, context, { path, api: 'inference', post });
}

/**
 * One inference on its way. States: its body is read → it runs → it is answered. A client that goes before the answer
 * cancels it.
 */
class InferCall {
  readonly #context: HttpContext;
  readonly #request: HttpRequest;
  readonly #response: ServerResponse;
  readonly #arrivedNs = monotonicNs();
  #message: InferRequestMessage | undefined;
  #trace: RequestTrace | undefined;
  #isAnswered = false;

  constructor(context: HttpContext, request: HttpRequest, response: ServerResponse) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
  }

  /** @throws InferenceServerError UNSUPPORTED for a decoupled model and an unknown encoding of the body. */
  read(model: ServedModel): void {
    if (model.decoupled) {
      throw new InferenceServerError(
        'UNSUPPORTED',
        "HTTP end point doesn't support models with decoupled transaction policy",
      );
    }
    const isCompressed = this.#isCompressed();
    collectBody(this.#request.raw, this.#response, (error, body) => {
      if (error !== undefined) this.#fail(error);
      else if (isCompressed) this.#decompress(model, body);
      else this.#start(model, body);
    });
  }

  #isCompressed(): boolean {
    try {
      return requestCompression(this.#request.raw.headers['content-encoding']) !== undefined;
    } catch (error) {
      this.#response.setHeader('Accept-Encoding', SUPPORTED_COMPRESSIONS);
      throw error;
    }
  }

  #decompress(model: ServedModel, body: Buffer): void {
    decompress(body, this.#context.maxInputSize, (error, whole) => {
      if (error === undefined) this.#start(model, whole);
      else this.#fail(error);
    });
  }

  #start(model: ServedModel, body: Buffer): void {
    let pending: PendingInference;
    try {
      const message = this.#decode(model, body);
      this.#message = message;
      this.#trace = this.#startTrace(model, message);
      pending = this.#context.inference.infer(
        model,
        message,
        (response, final) => {
          if (response !== undefined || final) this.#answer(model, message, response);
        },
        this.#trace,
      );
    } catch (reason) {
      this.#fail(reason);
      return;
    }
    if (this.#isAnswered) return;
    this.#response.on('close', () => {
      if (!this.#isAnswered) pending.cancel();
    });
  }

  #decode(model: ServedModel, body: Buffer): InferRequestMessage {
    const { headers, rawHeaders } = this.#request.raw;
    const lengthHeader = headers[HEADER_LENGTH];
    const message = decodeInferRequest(body, {
      modelName: model.name,
      modelVersion: this.#request.params.version ?? '',
      headerLength: parseInferenceHeaderLength(typeof lengthHeader === 'string' ? lengthHeader : undefined),
      maxJsonBytes: this.#context.maxInputSize,
    });
    return forwardHeaders(message, rawHeaders, this.#context.headerForwardPattern);
  }

  #startTrace(model: ServedModel, message: InferRequestMessage): RequestTrace | undefined {
    const { name: modelName, version: modelVersion } = model;
    const traced = { modelName, modelVersion, requestId: message.id };
    return startHttpTrace(this.#context, this.#request.raw, traced, this.#arrivedNs);
  }

  #answer(model: ServedModel, message: InferRequestMessage, response: InferenceResponse | undefined): void {
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#trace?.record('INFER_RESPONSE_COMPLETE');
    try {
      const answer = toResponseMessage(model, message, response);
      const encoded = encodeInferResponse(answer, selectBinaryOutputs(message, answer));
      this.#traceSending();
      sendInferResponse(
        this.#response,
        encoded,
        responseCompression(this.#request.raw.headers['accept-encoding']),
      );
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #traceSending(): void {
    const trace = this.#trace;
    if (trace === undefined) return;
    trace.record('HTTP_SEND_START');
    this.#response.on('close', () => {
      trace.record('HTTP_SEND_END');
      trace.end();
    });
  }

  #fail(reason: unknown): void {
    this.#isAnswered = true;
    const { message } = InferenceServerError.from(reason);
    this.#trace?.fail(message);
    const { logger } = this.#context;
    const fields = logFieldsOf(this.#message?.id, this.#trace);
    logger.verbose(1, `Infer failed: ${message}`, fields);
    sendError(this.#response, reason, logger, fields);
  }
}

/** @throws InferenceServerError with the model's error. */
function toResponseMessage(
  model: ServedModel,
  message: InferRequestMessage,
  response: InferenceResponse | undefined,
): InferResponseMessage {
  if (response === undefined) {
    throw new InferenceServerError('INTERNAL', `model '${model.name}' ended a request without a response`);
  }
  if (response.error !== undefined) throw response.error;
  return {
    modelName: model.name,
    modelVersion: model.version,
    id: message.id,
    parameters: response.parameters,
    outputs: response.outputs,
  };
}

/** Time of the server's clock. */
function monotonicNs(): number {
  return Math.round(performance.now() * 1e6);
}
