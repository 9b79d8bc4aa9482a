import { InferenceServerError, type BackendRequest } from '@nereid/backend-sdk';
import type { LentTensors } from './lent-tensors.ts';
import type { DoneFrame, WireError, WireRequest, WireResponse } from './messages.ts';
import { fromWireParameters, toWireId, toWireParameters } from './wire-parameters.ts';
import { packTensors, TensorReader } from './wire-tensors.ts';

/** Fewer bytes have no memory of their own. */
const LARGE = 1 << 17;

/** A batch that a process has. It is over when `execute` has returned and all are answered, by response senders perhaps later. */
export class RunningBatch {
  readonly #requests: readonly BackendRequest[];
  readonly #decoupled: boolean;
  readonly #listener: BatchListener;
  #ended: boolean[];
  #open: number;
  #hasReturned = false;

  constructor(requests: readonly BackendRequest[], decoupled: boolean, listener: BatchListener) {
    this.#requests = requests;
    this.#decoupled = decoupled;
    this.#listener = listener;
    this.#ended = requests.map(() => false);
    this.#open = requests.length;
  }

  /** Whether `execute` has returned. */
  get hasReturned(): boolean {
    return this.#hasReturned;
  }

  /** Whether nothing more can come for it. */
  get isOver(): boolean {
    return this.#hasReturned && this.#open === 0;
  }

  request(index: number): BackendRequest | undefined {
    return this.#requests[index];
  }

  /** Its request, when it has just one. */
  get onlyRequest(): BackendRequest | undefined {
    return this.#requests.length === 1 ? this.#requests[0] : undefined;
  }

  /** The ids that clients gave, separated by commas. */
  get requestIds(): string {
    return this.#requests
      .map(({ id }) => id)
      .filter((id) => id !== '')
      .join(',');
  }

  /** The process has nothing to do before it. */
  begin(): void {
    this.#listener.onBegin();
  }

  onDone({ responses, reschedule = [], failed }: DoneFrame, tensors: Buffer): void {
    if (failed !== undefined) {
      this.fail(toError(failed));
      return;
    }
    this.#hasReturned = true;
    const reader = new TensorReader(tensors);
    if (tensors.byteLength >= LARGE) this.#holdForEach(responses ?? [], tensors);
    responses?.forEach((response, index) => {
      if (response?.reschedule === true) this.onReschedule(index);
      else if (response !== null) this.#respond(index, response, true, reader);
      else if (this.#ended[index] !== true) this.#requests[index]?.answerLater();
    });
    reschedule.forEach((wanted, index) => {
      if (wanted) this.onReschedule(index);
    });
    this.#listener.onFinish();
  }

  /** An answer of a response sender; without `response` only the end. */
  onResponse(index: number, response: WireResponse | undefined, final: boolean, tensors: Buffer): void {
    this.#respond(index, response, final, new TensorReader(tensors));
  }

  /** The model wants to see the request again. */
  onReschedule(index: number): void {
    if (this.#ended[index] === true) return;
    this.#end(index);
    const request = this.#requests[index];
    try {
      request?.reschedule();
    } catch (error) {
      request?.sendError(error, true);
    }
  }

  /** Fails what is not answered yet: the execution as a whole, unless it has returned. */
  fail(error: InferenceServerError): void {
    const open = this.#requests.filter((_, index) => this.#ended[index] !== true);
    this.#ended = this.#requests.map(() => true);
    this.#open = 0;
    if (this.#hasReturned) for (const request of open) request.sendError(error, true);
    const whole = this.#hasReturned ? undefined : error;
    this.#hasReturned = true;
    this.#listener.onFinish(whole);
  }

  /** The process ended before the model got it. */
  giveBack(): void {
    this.#listener.onGiveBack();
  }

  /** Each of the responses gives the tensors of the frame, which are one piece, back for itself. */
  #holdForEach(responses: readonly (WireResponse | null)[], tensors: Buffer): void {
    const having = responses.filter((response) =>
      response?.outputs?.some(([, , , byteSize]) => byteSize > 0),
    );
    for (let others = having.length - 1; others > 0; others -= 1) this.#listener.hold(tensors);
  }

  #respond(index: number, response: WireResponse | undefined, final: boolean, reader: TensorReader): void {
    const request = this.#requests[index];
    if (request === undefined || this.#ended[index] === true) return;
    const isLast = final || !this.#decoupled;
    if (isLast) this.#end(index);
    if (response === undefined) {
      if (this.#decoupled) request.complete();
      else
        request.sendError(
          new InferenceServerError('INTERNAL', 'the model ended the request without a response'),
        );
    } else if (response.error !== undefined) {
      request.sendError(toError(response.error), isLast);
    } else {
      const { outputs = [], parameters } = response;
      const read = reader.read(outputs);
      request.send(
        {
          outputs: read,
          ...(parameters && { parameters: fromWireParameters(parameters) }),
          // What the process has of its inputs is its own, or lent to it.
          ...(final && !this.#decoupled && { spent: [...request.inputs, ...read] }),
        },
        isLast,
      );
    }
  }

  #end(index: number): void {
    this.#ended[index] = true;
    this.#open -= 1;
  }
}

/** What is heard of a batch. */
interface BatchListener {
  onBegin(): void;
  /** The instance is free again. @param error - Of an execution that failed. */
  onFinish(error?: InferenceServerError): void;
  /** It has to be executed elsewhere: nothing was done. */
  onGiveBack(): void;
  /** One more response has these bytes. */
  hold(tensors: Buffer): void;
}

export function toError({ message, code }: WireError): InferenceServerError {
  return new InferenceServerError(code, message);
}

/** What Python sees of a request; the bytes of its inputs are added to `buffers`, unless they can be lent. */
export function describeRequest(
  request: BackendRequest,
  buffers: Uint8Array[],
  lent: LentTensors | undefined,
): WireRequest {
  const { id, inputs, requestedOutputs, parameters, sequence, priority, timeoutUs, traceContext } = request;
  const { traceparent, tracestate } = traceContext ?? {};
  return {
    ...(id !== '' && { id }),
    inputs: packTensors(inputs, buffers, lent),
    outputs: requestedOutputs,
    ...(Object.keys(parameters).length > 0 && { parameters: toWireParameters(parameters) }),
    ...(sequence !== undefined && {
      correlation_id: toWireId(sequence.id),
      flags: (sequence.start ? 1 : 0) | (sequence.end ? 2 : 0),
    }),
    ...(priority > 0 && { priority }),
    ...(timeoutUs > 0 && { timeout: timeoutUs }),
    ...(traceContext !== undefined && { traced: true }),
    ...(traceparent !== undefined && { trace: { traceparent, ...(tracestate && { tracestate }) } }),
  };
}
