/** `POST /v2/models/{model}[/versions/{version}]/generate` and `…/generate_stream`: flat JSON in, flat JSON out. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import { fromConfigDatatype, InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { decodeGenerateRequest, encodeGenerateResponse, type GenerateInput } from '@nereid/protocol/http';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import type { ServedModel } from '../../service/inference-service.ts';
import { logFieldsOf, type RequestTrace, type TracedRequest } from '../../telemetry/trace.ts';
import { JSON_TYPE } from './answer.ts';
import { sendError, tellRetryAfter } from './error-handler.ts';
import { eventHandler, stringifyError, type EventOptions } from './event-stream.ts';
import { inferWhileConnected, monotonicNs, toResponseMessage, type HttpInference } from './http-inference.ts';
import type { HttpContext } from './http-services.ts';
import { isLargeJson } from './json-thread.ts';
import type { DecodeGenerateOptions } from './json-work.ts';
import { assertJsonSize, collectBody } from './request-body.ts';
import { startHttpTrace, traceStreaming } from './request-trace.ts';
import type { HttpRequest } from './route-table.ts';
import { modelPaths } from './route.ts';

const ONE_RESPONSE =
  'generate expects model to produce exactly 1 response, use generate stream for model that generates various ' +
  'number of responses';

/** Triton answers every error of a model so here; one that has a status of its own keeps it. */
const ERROR_STATUS = 400;

/** Makes the handler that answers; it sees the responses of one request. */
type Answerer = (answer: HttpAnswer, options: EventOptions) => ResponseHandler;

/** The generate extension. */
export function generate(context: HttpContext): void {
  const add = (suffix: string, answerer: Answerer): void => {
    const post = (request: HttpRequest, response: HttpAnswer): void =>
      receive(context, request, response, answerer);
    for (const path of modelPaths(suffix)) context.table.add({ path, api: 'inference', post });
  };
  add('/generate', singleResponseHandler);
  add('/generate_stream', eventHandler);
}

/** @throws InferenceServerError INVALID_ARG for a compressed body. */
function receive(context: HttpContext, request: HttpRequest, response: HttpAnswer, answerer: Answerer): void {
  const arrivedNs = monotonicNs();
  const { params, raw } = request;
  const model = context.inference.getModel(params.model ?? '', params.version ?? '');
  const encoding = raw.headers['content-encoding'] ?? '';
  if (encoding !== '' && encoding !== 'identity') {
    const message = "Unsupported content-encoding, only 'identity' is supported.";
    throw new InferenceServerError('INVALID_ARG', message);
  }
  collectBody(raw, response, (error, body) => {
    let message: InferRequestMessage | undefined;
    let trace: RequestTrace | undefined;
    const fail = (reason: unknown): void => {
      const failure = InferenceServerError.from(reason);
      trace?.fail(failure.message);
      const fields = logFieldsOf(message?.id, trace);
      context.logger.verbose(1, `Generate failed: ${failure.message}`, fields);
      sendError(response, reason, context.logger, fields);
    };
    const start = (decoded: InferRequestMessage): void => {
      message = decoded;
      trace = startHttpTrace(context, raw, traced(model, message), arrivedNs);
      answerWith(context, { model, message, trace, onRefused: fail, answerer }, response);
    };
    try {
      if (error !== undefined) throw error;
      assertJsonSize(body, context.maxInputSize);
      const options = decodeOptions(model, params.version ?? '');
      if (isLargeJson(body, undefined)) context.json.decodeGenerate(body, options).then(start).catch(fail);
      else start(decodeGenerateRequest(body, options));
    } catch (reason) {
      fail(reason);
    }
  });
}

function traced({ name, version }: ServedModel, { id }: InferRequestMessage): TracedRequest {
  return { modelName: name, modelVersion: version, requestId: id };
}

function decodeOptions({ name, config }: ServedModel, modelVersion: string): DecodeGenerateOptions {
  return { modelName: name, modelVersion, inputs: generateInputs(config) };
}

/** The inputs of a model with the batch dimension as its metadata show it. */
function generateInputs({ input, max_batch_size: maxBatchSize }: ModelConfig): GenerateInput[] {
  return input.flatMap(({ name, data_type: dataType, dims }) => {
    const datatype = fromConfigDatatype(dataType);
    const shape = maxBatchSize > 0 ? [-1, ...dims] : dims;
    return datatype === undefined ? [] : [{ name, datatype, shape }];
  });
}

interface Generation extends HttpInference {
  readonly answerer: Answerer;
}

function answerWith(context: HttpContext, { answerer, ...inference }: Generation, answer: HttpAnswer): void {
  const { model, message, trace } = inference;
  const handle = answerer(answer, {
    encode: (response) => encodeGenerateResponse(toResponseMessage(model, message, response)),
    statusOf: ({ http }) => http?.status ?? ERROR_STATUS,
  });
  inferWhileConnected(context, inference, answer, traceStreaming(trace, answer, handle));
}

/**
 * A handler that answers with the only response. When there are none or several that is an error, but the status
 * is that of the first one, as in Triton. The length of the body is not told.
 */
function singleResponseHandler(answer: HttpAnswer, { encode, statusOf }: EventOptions): ResponseHandler {
  let count = 0;
  let status = 200;
  let body = '';
  const keep = (response: InferenceResponse): void => {
    try {
      if (response.error !== undefined) throw response.error;
      body = encode(response);
    } catch (reason) {
      const error = InferenceServerError.from(reason);
      status = statusOf(error);
      tellRetryAfter(answer, error);
      body = stringifyError(error.message);
    }
  };
  return (response, final) => {
    if (response !== undefined && count++ === 0) keep(response);
    if (!final || answer.destroyed) return;
    answer.writeHead(status, { 'Content-Type': JSON_TYPE });
    answer.end(count === 1 ? body : stringifyError(ONE_RESPONSE));
  };
}
