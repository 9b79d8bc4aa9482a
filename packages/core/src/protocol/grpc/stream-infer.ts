/** ModelStreamInfer: any number of requests and responses on one stream, errors in band. */
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { GRPCInferenceService } from '@nereid/protocol/gen';
import { decodeModelInferRequest, encodeModelStreamInferResponse, requestIdOf } from '@nereid/protocol/grpc';
import type { InferenceResponse, ResponseHandler } from '../../response/inference-response.ts';
import type { PendingInference, ServedModel } from '../../service/inference-service.ts';
import { logFieldsOf, type RequestTrace } from '../../telemetry/trace.ts';
import type { StreamCall } from './call.ts';
import { arrivalOf, startGrpcTrace } from './call-trace.ts';
import { toGrpcStatus } from './error-handler.ts';
import type { GrpcServices } from './grpc-services.ts';
import { forwardHeaders } from './header-forwarding.ts';
import type { OpenStream, OpenStreams } from './open-streams.ts';
import { rpcName, type Rpc } from './rpc.ts';

/** How one server answers streams. */
interface StreamContext {
  readonly services: GrpcServices;
  /** Metadata of the stream that becomes parameters of each of its requests. */
  readonly headerPattern: RegExp | undefined;
  readonly openStreams: OpenStreams;
  /** How long a client may take none of the answers that wait, in milliseconds; 0: any time. */
  readonly streamTimeoutMs: number;
}

/** A request on a stream. Those of ordinary models, and refused ones, are answered in the order they came. */
interface StreamedRequest {
  readonly ordered: boolean;
  /** Encoded answers that wait for earlier requests. */
  readonly waiting: Buffer[];
  pending: PendingInference | undefined;
  trace: RequestTrace | undefined;
  /** Whether the last answer was given. */
  done: boolean;
}

export function streamInferRpc(context: StreamContext): Rpc {
  return {
    ...rpcName(GRPCInferenceService.method.modelStreamInfer),
    kind: 'bidi',
    handler: (call) => {
      new InferStream(call, context).open();
    },
  };
}

/**
 * One stream. It ends with status OK when the client has closed its side and everything is answered; with the
 * error of a model when the client asked for that by the metadata `triton_grpc_error: true`; and when the server
 * closes and nothing is running.
 */
class InferStream implements OpenStream {
  readonly #call: StreamCall;
  readonly #context: StreamContext;
  readonly #errorsEndStream: boolean;
  /** Requests that are not finally answered. */
  readonly #running = new Set<StreamedRequest>();
  /** Ordered requests whose answers were not all written, oldest first. */
  readonly #turns: StreamedRequest[] = [];
  #clientIsDone = false;
  /** Whether the client does not read, and so no more is wanted. */
  #isHeld = false;
  #shuttingDown = false;
  #ended = false;

  constructor(call: StreamCall, context: StreamContext) {
    this.#call = call;
    this.#context = context;
    this.#errorsEndStream = call.metadata.get('triton_grpc_error').includes('true');
  }

  open(): void {
    const call = this.#call;
    this.#context.openStreams.add(this);
    call.onClose(() => {
      this.#stop();
    });
    call.onDrain(() => {
      this.#hold(false);
    });
    call.read({
      onMessage: (bytes) => {
        this.#receive(bytes);
      },
      onHalfClose: () => {
        this.#clientIsDone = true;
        this.#endWhenIdle();
      },
    });
  }

  shutDown(): void {
    this.#shuttingDown = true;
    this.#endWhenIdle();
  }

  #receive(bytes: Buffer): void {
    if (this.#ended) return;
    let message: InferRequestMessage | undefined;
    let request: StreamedRequest | undefined;
    try {
      const { services, headerPattern } = this.#context;
      const arrivedNs = arrivalOf(services);
      message = forwardHeaders(decodeModelInferRequest(bytes), this.#call.metadata, headerPattern);
      const model = services.inference.getModel(message.modelName, message.modelVersion);
      request = this.#admit(!model.decoupled);
      const traced = { modelName: model.name, modelVersion: model.version, requestId: message.id };
      request.trace = startGrpcTrace(services, { metadata: this.#call.metadata, arrivedNs }, traced);
      this.#start(request, message, model);
    } catch (reason) {
      this.#refuse(request ?? this.#admit(true), message?.id ?? requestIdOf(bytes), reason);
    }
  }

  #admit(ordered: boolean): StreamedRequest {
    const request: StreamedRequest = {
      ordered,
      waiting: [],
      pending: undefined,
      trace: undefined,
      done: false,
    };
    this.#running.add(request);
    if (ordered) this.#turns.push(request);
    return request;
  }

  #start(request: StreamedRequest, message: InferRequestMessage, model: ServedModel): void {
    const take: ResponseHandler = (response, final) => {
      if (request.done || this.#ended) return;
      if (response?.isRefused === true) {
        this.#refuse(request, message.id, response.error);
        return;
      }
      if (response !== undefined) request.trace?.record('INFER_RESPONSE_COMPLETE');
      if (response?.error !== undefined && this.#errorsEndStream) {
        this.#endWithError(response.error);
        return;
      }
      if (response?.error !== undefined) this.#noteFailure(request, message.id, response.error);
      this.#answer(request, this.#encode(message, model, response, final), final);
    };
    request.pending = this.#context.services.inference.infer(model, message, take, request.trace);
    if (this.#isHeld && !request.ordered) request.pending.pause?.(true);
  }

  /** undefined: nothing is to be sent. */
  #encode(
    message: InferRequestMessage,
    model: ServedModel,
    response: InferenceResponse | undefined,
    final: boolean,
  ): Buffer | undefined {
    try {
      return encodeAnswer(message, model, response, final);
    } catch (reason) {
      const { details } = toGrpcStatus(reason, this.#context.services.logger);
      return encodeError(message.id, details);
    }
  }

  /** A request that never reached its model is answered in band even when errors end the stream, as by Triton. */
  #refuse(request: StreamedRequest, id: string, reason: unknown): void {
    this.#noteFailure(request, id, reason);
    const { details } = toGrpcStatus(reason, this.#context.services.logger, logFieldsOf(id, request.trace));
    this.#answer(request, encodeError(id, details), true);
  }

  #noteFailure({ trace }: StreamedRequest, id: string, reason: unknown): void {
    const { message } = InferenceServerError.from(reason);
    if (trace !== undefined) trace.error = message;
    this.#context.services.logger.verbose(1, `Infer failed: ${message}`, logFieldsOf(id, trace));
  }

  #answer(request: StreamedRequest, answer: Buffer | undefined, final: boolean): void {
    if (answer !== undefined && !request.ordered) this.#write(request, answer);
    else if (answer !== undefined) request.waiting.push(answer);
    if (final) {
      request.done = true;
      this.#running.delete(request);
    }
    if (request.ordered) this.#writeTurns();
    else if (final) endTrace(request);
    if (final) this.#endWhenIdle();
  }

  #writeTurns(): void {
    for (let first = this.#turns[0]; first !== undefined; first = this.#turns[0]) {
      for (const answer of first.waiting) this.#write(first, answer);
      first.waiting.length = 0;
      if (!first.done) return;
      this.#turns.shift();
      endTrace(first);
    }
  }

  /** While the client does not read its answers, no more requests are taken from it. */
  #write({ trace }: StreamedRequest, answer: Buffer): void {
    trace?.record('GRPC_SEND_START');
    if (!this.#call.write(answer)) this.#hold(true);
    trace?.record('GRPC_SEND_END');
  }

  /** Models that may answer several times wait, too; others have their one answer ready all the same. */
  #hold(isHeld: boolean): void {
    if (isHeld === this.#isHeld || this.#ended) return;
    this.#isHeld = isHeld;
    if (isHeld) this.#call.pause();
    else this.#call.resume();
    this.#call.watchStall(isHeld ? this.#context.streamTimeoutMs : 0, this.#giveUp);
    for (const request of this.#running) if (!request.ordered) request.pending?.pause?.(isHeld);
  }

  /** No status: it would wait behind the answers that the client does not read. */
  readonly #giveUp = (): void => {
    const { services, streamTimeoutMs } = this.#context;
    const seconds = String(streamTimeoutMs / 1000);
    services.logger.verbose(1, `a client took none of its answers for ${seconds} s (--stream-timeout-secs)`);
    this.#stop();
    this.#call.reset();
  };

  #endWhenIdle(): void {
    if (this.#ended || this.#running.size > 0) return;
    if (this.#clientIsDone) {
      this.#stop();
      this.#call.end();
    } else if (this.#shuttingDown) {
      this.#endWithError(
        new InferenceServerError(
          'UNAVAILABLE',
          'GRPC server is shutting down and has stopped accepting new requests.',
        ),
      );
    }
  }

  #endWithError(error: InferenceServerError): void {
    this.#stop();
    this.#call.fail(toGrpcStatus(error, this.#context.services.logger));
  }

  /** Nothing more is written; what still runs is cancelled. */
  #stop(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#context.openStreams.delete(this);
    for (const request of this.#running) {
      request.pending?.cancel();
      request.trace?.fail('the stream was closed before the answer');
    }
    for (const request of this.#turns) endTrace(request);
    this.#running.clear();
    this.#turns.length = 0;
  }
}

/** Ends a trace once all answers are handed to HTTP/2. */
function endTrace({ trace }: StreamedRequest): void {
  trace?.end();
}

function encodeError(id: string, errorMessage: string): Buffer {
  return encodeModelStreamInferResponse({
    errorMessage,
    response: { modelName: '', modelVersion: '', id, parameters: undefined, outputs: [] },
  });
}

function encodeAnswer(
  message: InferRequestMessage,
  model: ServedModel,
  response: InferenceResponse | undefined,
  final: boolean,
): Buffer | undefined {
  const { id } = message;
  if (response !== undefined && response.error === undefined) {
    const { parameters, outputs } = response;
    return encodeModelStreamInferResponse({
      response: { modelName: model.name, modelVersion: model.version, id, parameters, outputs },
      final,
    });
  }
  const isEmptyFinal = response === undefined;
  if (isEmptyFinal && !(model.decoupled && message.enableEmptyFinalResponse === true)) return undefined;
  // Without outputs an answer names the model version as the request did.
  const { modelName, modelVersion } = message;
  return encodeModelStreamInferResponse({
    errorMessage: response?.error?.message,
    response: { modelName, modelVersion, id, parameters: undefined, outputs: [] },
    final,
  });
}
