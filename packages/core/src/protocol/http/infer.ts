/**
 * `POST /v2/models/{model}[/versions/{version}]/infer`: one request, one response; any number of them, as events, for
 * clients that take those. Hot path.
 */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import {
  InferenceServerError,
  type InferRequestMessage,
  type InferResponseMessage,
  type Tensor,
} from '@nereid/protocol';
import {
  decodeInferRequest,
  encodeInferResponse,
  parseInferenceHeaderLength,
  selectBinaryOutputs,
  type DecodeInferRequestOptions,
  type EncodedInferResponse,
} from '@nereid/protocol/http';
import { releaseBuffers } from '../../memory/large-buffer.ts';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import { spentTensors } from '../../response/spent-tensors.ts';
import type { ServedModel } from '../../service/inference-service.ts';
import { logFieldsOf, type RequestTrace } from '../../telemetry/trace.ts';
import {
  decompress,
  requestCompression,
  responseCompression,
  SUPPORTED_COMPRESSIONS,
} from './compression.ts';
import { sendError, statusOf } from './error-handler.ts';
import { acceptsEvents, eventHandler } from './event-stream.ts';
import { forwardHeaders } from './header-forwarding.ts';
import { inferWhileConnected, monotonicNs, toResponseMessage } from './http-inference.ts';
import type { HttpContext } from './http-services.ts';
import { sendInferResponse } from './infer-answer.ts';
import { becomesLargeJson, isLargeJson } from './json-thread.ts';
import { collectBody } from './request-body.ts';
import { startHttpTrace, traceSending, traceStreaming } from './request-trace.ts';
import type { HttpRequest } from './route-table.ts';
import { modelPaths } from './route.ts';

/** Header names as Node gives them. */
const HEADER_LENGTH = 'inference-header-content-length';

/** Inference. */
export function infer(context: HttpContext): void {
  const post = (request: HttpRequest, response: HttpAnswer): void => {
    const { model = '', version = '' } = request.params;
    new InferCall(context, request, response).read(context.inference.getModel(model, version));
  };
  for (const path of modelPaths('/infer')) context.table.add({ path, api: 'inference', post });
}

/**
 * One inference on its way. States: its body is read → it runs → it is answered. A client that goes before the answer
 * cancels it.
 */
class InferCall {
  readonly #context: HttpContext;
  readonly #request: HttpRequest;
  readonly #response: HttpAnswer;
  readonly #arrivedNs = monotonicNs();
  #message: InferRequestMessage | undefined;
  #trace: RequestTrace | undefined;
  readonly #wantsEvents: boolean;
  #isAnswered = false;

  constructor(context: HttpContext, request: HttpRequest, response: HttpAnswer) {
    this.#context = context;
    this.#request = request;
    this.#response = response;
    this.#wantsEvents = acceptsEvents(request.raw.headers.accept);
  }

  /**
   * @throws InferenceServerError UNSUPPORTED for an unknown encoding of the body, and for a decoupled model when the
   *   client takes no events.
   */
  read(model: ServedModel): void {
    if (model.decoupled && !this.#wantsEvents) {
      throw new InferenceServerError(
        'UNSUPPORTED',
        "HTTP end point doesn't support models with decoupled transaction policy, unless their responses are " +
          "asked for as events with the header 'Accept: text/event-stream'",
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
    try {
      const options = this.#decodeOptions(model);
      if (isLargeJson(body, options.headerLength)) this.#decodeLarge(model, body, options);
      else this.#run(model, decodeInferRequest(body, options));
    } catch (reason) {
      this.#fail(reason);
    }
  }

  #decodeLarge(model: ServedModel, body: Buffer, options: DecodeInferRequestOptions): void {
    this.#context.json
      .decode(body, options)
      .then((message) => this.#run(model, message))
      .catch((reason: unknown) => this.#fail(reason));
  }

  #run(model: ServedModel, decoded: InferRequestMessage): void {
    const message = forwardHeaders(decoded, this.#request.raw.rawHeaders, this.#context.headerForwardPattern);
    this.#message = message;
    const trace = this.#startTrace(model, message);
    this.#trace = trace;
    const handler = this.#wantsEvents ? this.#streamTo(model, message) : this.#answerOnce(model, message);
    const onRefused = (reason: unknown): void => this.#fail(reason);
    inferWhileConnected(this.#context, { model, message, trace, onRefused }, this.#response, handler);
  }

  #answerOnce(model: ServedModel, message: InferRequestMessage): ResponseHandler {
    return (response, final) => {
      if (response !== undefined || final) this.#answer(model, message, response);
    };
  }

  /** @throws InferenceServerError INVALID_ARG when outputs are wanted as bytes: events are text. */
  #streamTo(model: ServedModel, message: InferRequestMessage): ResponseHandler {
    const binary = message.binaryDataOutput ? 'outputs' : message.outputs.find((o) => o.binaryData)?.name;
    if (binary !== undefined) {
      const problem = `events carry no binary data: ask for ${binary} without 'binary_data'`;
      throw new InferenceServerError('INVALID_ARG', problem);
    }
    const handler = eventHandler(this.#response, {
      encode: (response) => {
        const { json } = encodeInferResponse(toResponseMessage(model, message, response), []);
        return json.toString();
      },
      statusOf,
    });
    return traceStreaming(this.#trace, this.#response, handler);
  }

  #decodeOptions(model: ServedModel): DecodeInferRequestOptions {
    const lengthHeader = this.#request.raw.headers[HEADER_LENGTH];
    return {
      modelName: model.name,
      modelVersion: this.#request.params.version ?? '',
      headerLength: parseInferenceHeaderLength(typeof lengthHeader === 'string' ? lengthHeader : undefined),
      maxJsonBytes: this.#context.maxInputSize,
    };
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
      const answer = toResponseMessage(model, message, assertGood(model, response));
      const isBinary = selectBinaryOutputs(message, answer);
      const spent = spentTensors(message, this.#trace !== undefined, response);
      if (spent !== undefined) this.#releaseAfter(spent);
      if (becomesLargeJson(answer, isBinary)) this.#sendLarge(answer, isBinary);
      else this.#send(encodeInferResponse(answer, isBinary));
    } catch (reason) {
      this.#fail(reason);
    }
  }

  /** Large tensors give their memory back as soon as they are sent: collecting them as garbage took half of the server's time. */
  #releaseAfter(spent: readonly Tensor[]): void {
    const response = this.#response;
    response.once('close', () => {
      if (response.writableFinished) releaseBuffers(spent);
    });
  }

  #sendLarge(answer: InferResponseMessage, isBinary: readonly boolean[]): void {
    this.#context.json
      .encode(answer, isBinary)
      .then((encoded) => this.#send(encoded))
      .catch((reason: unknown) => this.#fail(reason));
  }

  #send(encoded: EncodedInferResponse): void {
    traceSending(this.#trace, this.#response);
    sendInferResponse(
      this.#response,
      encoded,
      responseCompression(this.#request.raw.headers['accept-encoding']),
    );
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
function assertGood(model: ServedModel, response: InferenceResponse | undefined): InferenceResponse {
  if (response === undefined) {
    throw new InferenceServerError('INTERNAL', `model '${model.name}' ended a request without a response`);
  }
  if (response.error !== undefined) throw response.error;
  return response;
}
