import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import {
  errorResponse,
  type InferenceResponse,
  type ResponseHandler,
} from './response/inference-response.ts';
import type { InProcessRequest } from './server.ts';
import type { InferenceService, PendingInference, ServedModel } from './service/inference-service.ts';
import { parseTraceContext, type RequestTrace, type Tracer } from './telemetry/trace.ts';

/** Responses that wait for whoever iterates, before the model is asked to wait, too. */
const MOST_WAITING = 16;

/** What in-process inference needs. */
export interface InProcessParts {
  readonly inference: InferenceService;
  readonly tracer: Pick<Tracer, 'isOn' | 'start'>;
}

/** Runs one inference and gives its only response. */
export async function inferOnce(
  parts: InProcessParts,
  request: InProcessRequest,
): Promise<InferenceResponse> {
  const model = parts.inference.getModel(request.modelName, request.modelVersion ?? '');
  return firstResponse(model, inferMany(parts, request));
}

/** @throws InferenceServerError UNSUPPORTED for a decoupled model, before it is called. */
export async function firstResponse(
  model: ServedModel,
  responses: AsyncGenerator<InferenceResponse>,
): Promise<InferenceResponse> {
  if (model.decoupled) {
    throw new InferenceServerError(
      'UNSUPPORTED',
      `model '${model.name}' is decoupled: use inferStream (in Python exec(decoupled=True))`,
    );
  }
  for await (const response of responses) return response;
  throw new InferenceServerError('INTERNAL', `model '${model.name}' ended without a response`);
}

/** Runs one inference and gives its responses as they come. Ending the iteration early cancels it. */
export async function* inferMany(
  { inference, tracer }: InProcessParts,
  request: InProcessRequest,
): AsyncGenerator<InferenceResponse> {
  const model = inference.getModel(request.modelName, request.modelVersion ?? '');
  const trace = startTrace(tracer, model, request);
  yield* responsesOf(inference, model, toMessage(request), { signal: request.signal, trace });
}

/** What ends a request early, and what notes its moments. */
interface RequestExtras {
  readonly signal: AbortSignal | undefined;
  readonly trace: RequestTrace | undefined;
  /** When the request is given up, however far it has come. Default: never. */
  readonly timeLimit?: TimeLimit;
}

/** How long the responses to a request may take. */
export interface TimeLimit {
  /** Microseconds. */
  readonly us: number;
  /** What the request then fails with. */
  readonly error: InferenceServerError;
}

/** Milliseconds, a little more than 24 days: Node's timers take a longer wait for none. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The responses to one request as they come; a decoupled model waits when they are not taken. Its trace ends with it, also
 * when it is refused.
 */
export async function* responsesOf(
  inference: InferenceService,
  model: ServedModel,
  message: InferRequestMessage,
  { signal, trace, timeLimit }: RequestExtras,
): AsyncGenerator<InferenceResponse> {
  const responses = new WaitingResponses();
  const take: ResponseHandler = (response, final) => {
    endTrace(trace, response, final);
    responses.add(response, final);
  };
  const pending = inferTraced(trace, () => inference.infer(model, message, take, trace));
  responses.follow(pending);
  const cancel = (): void => pending.cancel();
  if (signal?.aborted === true) cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  const timer =
    timeLimit &&
    startTimer(timeLimit, (expired) => {
      // Before the cancellation, whose error would say less; a model that does not heed it is not waited for.
      responses.add(expired, true);
      cancel();
    });
  try {
    for (;;) {
      const response = await responses.next();
      if (response === undefined) return;
      if (response.error !== undefined) throw response.error;
      yield response;
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
    if (!responses.isEnded) cancel();
  }
}

function startTimer(
  { us, error }: TimeLimit,
  onExpired: (response: InferenceResponse) => void,
): NodeJS.Timeout {
  const ms = Math.min(Math.ceil(us / 1000), LONGEST_TIMER_MS);
  return setTimeout(() => onExpired(errorResponse(error)), ms);
}

/** The responses to one request until they are taken. States: flowing ⇄ held → ended. */
class WaitingResponses {
  isEnded = false;
  readonly #arrived: InferenceResponse[] = [];
  #pending: PendingInference | undefined;
  #wake = (): void => {};

  /** From here on the model is held while many wait. */
  follow(pending: PendingInference): void {
    this.#pending = pending;
    if (this.#arrived.length >= MOST_WAITING) pending.pause?.(true);
  }

  add(response: InferenceResponse | undefined, final: boolean): void {
    if (this.isEnded) return;
    if (response !== undefined) this.#arrived.push(response);
    this.isEnded = final;
    if (this.#arrived.length === MOST_WAITING) this.#pending?.pause?.(true);
    this.#wake();
  }

  /** @returns undefined after the last one. */
  async next(): Promise<InferenceResponse | undefined> {
    for (;;) {
      const response = this.#arrived.shift();
      if (response !== undefined || this.isEnded) return response;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#pending?.pause?.(false);
      });
    }
  }
}

/** @throws What `infer` throws; the trace of the request is ended by then. */
function inferTraced(trace: RequestTrace | undefined, infer: () => PendingInference): PendingInference {
  try {
    return infer();
  } catch (reason) {
    trace?.fail(InferenceServerError.from(reason).message);
    throw reason;
  }
}

function startTrace(
  tracer: InProcessParts['tracer'],
  { name: modelName, version: modelVersion }: ServedModel,
  { id: requestId = '', traceparent, tracestate }: InProcessRequest,
): RequestTrace | undefined {
  if (!tracer.isOn) return undefined;
  const context = parseTraceContext({ traceparent, tracestate });
  return tracer.start({ modelName, modelVersion, requestId, context });
}

function endTrace(
  trace: RequestTrace | undefined,
  response: InferenceResponse | undefined,
  final: boolean,
): void {
  if (!final) return;
  trace?.record('INFER_RESPONSE_COMPLETE');
  if (response?.error === undefined) trace?.end();
  else trace?.fail(response.error.message);
}

export function toMessage(request: InProcessRequest): InferRequestMessage {
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
