/** A front's way to the serving thread. */
import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { InferenceServerError, type InferRequestMessage } from '@nereid/protocol';
import { fromWireError } from '../instance/batch-transfer.ts';
import type { ResponseHandler } from '../response/inference-response.ts';
import type {
  CallOutcome,
  FromFront,
  FrontItem,
  FrontStart,
  ServiceCall,
  ToFront,
  WireAnswer,
} from './front-messages.ts';
import type { FrontTrace } from './front-tracer.ts';
import { weightOf } from './open-inference.ts';
import { TurnBytes } from './turn-bytes.ts';
import { packInference, unpackResponse } from './wire-inference.ts';

/** Where messages leave: the port of the thread. */
export interface FrontPort {
  postMessage(message: FromFront, transfer?: readonly ArrayBuffer[]): void;
}

/** An inference that has not ended. */
interface OpenInference {
  readonly handler: ResponseHandler;
  readonly trace: FrontTrace | undefined;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: InferenceServerError): void;
}

/** An inference to hand over. */
export interface OutgoingInference {
  readonly message: InferRequestMessage;
  /** As the client asked for it. */
  readonly modelVersion: string;
  readonly handler: ResponseHandler;
  readonly trace: FrontTrace | undefined;
}

/**
 * Collects what a front does in a turn of its event loop and sends it in one message; hands what comes back to whoever
 * waits for it.
 */
export class ServingLink {
  readonly #port: FrontPort;
  readonly #answers: MessagePort;
  readonly #answerCount: Int32Array;
  readonly #inferences = new Map<number, OpenInference>();
  readonly #calls = new Map<number, Waiting>();
  readonly #bytes = new TurnBytes('body');
  #items: FrontItem[] = [];
  #next = 0;

  constructor(port: FrontPort, { answers, answerCount }: Pick<FrontStart, 'answers' | 'answerCount'>) {
    this.#port = port;
    this.#answers = answers;
    this.#answerCount = answerCount;
  }

  /** @returns What the inference is called from then on. */
  infer({ message, modelVersion, handler, trace }: OutgoingInference): number {
    const call = this.#next++;
    const inference = packInference(message, modelVersion, this.#bytes);
    this.#inferences.set(call, { handler, trace });
    if (trace === undefined) this.send({ kind: 'infer', call, inference });
    else this.send({ kind: 'infer', call, inference, trace: trace.handOver(call) });
    return call;
  }

  /** Sends something with what else happens in this turn. */
  send(item: FrontItem): void {
    if (this.#items.push(item) === 1) setImmediate(this.#flush);
  }

  /** Asks for something that takes its time. */
  call(body: ServiceCall): Promise<unknown> {
    const call = this.#next++;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.send({ kind: 'call', call, body });
    });
  }

  /**
   * Asks for something that the services answer at once, and stands still until it is: as long as the serving thread
   * takes for one turn of its event loop, in which it would answer nobody else either.
   */
  ask(body: ServiceCall): unknown {
    this.#flush();
    const before = Atomics.load(this.#answerCount, 0);
    this.#port.postMessage({ kind: 'ask', body });
    Atomics.wait(this.#answerCount, 0, before);
    const received = receiveMessageOnPort(this.#answers) as { readonly message: CallOutcome } | undefined;
    if (received === undefined) throw new InferenceServerError('INTERNAL', `no answer to '${body.method}'`);
    return valueOf(received.message);
  }

  receive(message: Exclude<ToFront, { kind: 'command' }>): void {
    if (message.kind === 'answers') {
      for (const answer of message.answers) this.#deliver(answer, message.buffers);
      return;
    }
    const waiting = this.#calls.get(message.call);
    this.#calls.delete(message.call);
    try {
      waiting?.resolve(valueOf(message.outcome));
    } catch (error) {
      waiting?.reject(InferenceServerError.from(error));
    }
  }

  #deliver(answer: WireAnswer, buffers: readonly ArrayBuffer[]): void {
    const open = this.#inferences.get(answer.call);
    if (open === undefined) return;
    if (answer.final) this.#inferences.delete(answer.call);
    open.trace?.adopt(answer.traceId);
    open.handler(unpackResponse(answer, buffers), answer.final);
    if (!answer.final) this.send({ kind: 'taken', call: answer.call, weight: weightOf(answer) });
  }

  readonly #flush = (): void => {
    if (this.#items.length === 0) return;
    const items = this.#items;
    this.#items = [];
    const buffers = this.#bytes.take();
    this.#port.postMessage({ kind: 'turn', items, buffers }, buffers);
  };
}

/** @throws InferenceServerError when the call failed. */
function valueOf(outcome: CallOutcome): unknown {
  if (outcome.error !== undefined) throw fromWireError(outcome.error);
  return outcome.value;
}
