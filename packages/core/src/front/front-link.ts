/** The serving thread's end of a front: runs what comes from it, and sends the answers of a turn in one message. */
import { InferenceServerError } from '@nereid/protocol';
import type { Logger } from '@nereid/backend-sdk';
import { toWireError } from '../instance/batch-transfer.ts';
import type { HealthService } from '../service/health-service.ts';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { InferenceService, ServedModel } from '../service/inference-service.ts';
import type { ManagementService } from '../service/management-service.ts';
import type { RequestTrace, Tracer } from '../telemetry/trace.ts';
import type {
  CallOutcome,
  FrontItem,
  FrontServices,
  ServiceCall,
  ToFront,
  WireAnswer,
} from './front-messages.ts';
import { OpenInference, weightOf } from './open-inference.ts';
import { TraceParts } from './trace-parts.ts';
import { TurnBytes } from './turn-bytes.ts';
import { packResponse, unpackInference } from './wire-inference.ts';

/** What answers. */
export interface FrontBackend {
  readonly inference: InferenceService;
  readonly management: ManagementService;
  readonly health: HealthService;
  readonly tracer: Pick<Tracer, 'start'>;
  readonly logger: Logger;
}

type InferItem = Extract<FrontItem, { kind: 'infer' }>;

/** One front's requests. Ends when the front is gone: what it asked for is cancelled then. */
export class FrontLink {
  readonly #backend: FrontBackend;
  readonly #post: (message: ToFront, transfer: readonly ArrayBuffer[]) => void;
  readonly #open = new Map<number, OpenInference>();
  readonly #traces = new TraceParts();
  readonly #bytes = new TurnBytes('shared');
  #answers: WireAnswer[] = [];
  #hasEnded = false;

  constructor(backend: FrontBackend, post: (message: ToFront, transfer: readonly ArrayBuffer[]) => void) {
    this.#backend = backend;
    this.#post = post;
  }

  receive(items: readonly FrontItem[], buffers: readonly ArrayBuffer[]): void {
    for (const item of items) this.#do(item, buffers);
  }

  /** What a front that stands still asks for. */
  answer(body: ServiceCall): CallOutcome {
    try {
      return { value: plainOf(this.#run(body)) };
    } catch (error) {
      return this.#failure(body, error);
    }
  }

  /** The front is gone. */
  end(): void {
    this.#hasEnded = true;
    for (const open of this.#open.values()) open.cancel();
    this.#open.clear();
  }

  #do(item: FrontItem, buffers: readonly ArrayBuffer[]): void {
    switch (item.kind) {
      case 'infer':
        this.#infer(item, buffers);
        return;
      case 'cancel':
        this.#open.get(item.call)?.cancel();
        return;
      case 'pause':
        this.#open.get(item.call)?.hold(item.isPaused);
        return;
      case 'taken':
        this.#open.get(item.call)?.noteTaken(item.weight);
        return;
      case 'traced':
        this.#traces.end(item, this.#backend.tracer);
        return;
      case 'call':
        void this.#call(item.call, item.body);
    }
  }

  /** The model is looked up again: another may have taken its place since the front saw it. */
  #infer({ call, inference, trace: traced }: InferItem, buffers: readonly ArrayBuffer[]): void {
    const { inference: service, tracer } = this.#backend;
    const trace = traced && this.#traces.start(call, traced, tracer);
    const open = new OpenInference();
    this.#open.set(call, open);
    try {
      const message = unpackInference(inference, buffers);
      const model = service.getModel(message.modelName, message.modelVersion);
      const answer: ResponseHandler = (response, final) => {
        const packed = packResponse(response, this.#bytes);
        if (final) this.#open.delete(call);
        else open.noteSent(weightOf(packed));
        this.#send({ call, final, ...packed, ...traceIdOf(trace) });
      };
      open.begin(service.infer(model, message, answer, trace));
    } catch (error) {
      this.#open.delete(call);
      const failure = { error: toWireError(error), isRefused: true } as const;
      this.#send({ call, final: true, ...failure, ...traceIdOf(trace) });
    }
  }

  async #call(call: number, body: ServiceCall): Promise<void> {
    let outcome: CallOutcome;
    try {
      outcome = { value: plainOf(await this.#run(body)) };
    } catch (error) {
      outcome = this.#failure(body, error);
    }
    if (!this.#hasEnded) this.#post({ kind: 'reply', call, outcome }, []);
  }

  #run({ method, parameters }: ServiceCall): unknown {
    const { inference, management, health } = this.#backend;
    const service: Partial<FrontServices> =
      method === 'getModel' ? inference : method in health ? health : management;
    const run = service[method] as (...given: readonly unknown[]) => unknown;
    return run.apply(service, [...parameters]);
  }

  /** What is not an InferenceServerError is a fault of ours, whose class is lost on the way: it goes to the log here. */
  #failure({ method }: ServiceCall, reason: unknown): CallOutcome {
    if (!InferenceServerError.is(reason)) {
      this.#backend.logger.error(`unexpected error in '${method}' for a front`, { cause: reason });
    }
    return { error: toWireError(reason) };
  }

  #send(answer: WireAnswer): void {
    if (this.#answers.push(answer) === 1) setImmediate(this.#flush);
  }

  readonly #flush = (): void => {
    const answers = this.#answers;
    this.#answers = [];
    const buffers = this.#bytes.take();
    if (this.#hasEnded) return;
    try {
      this.#post({ kind: 'answers', answers, buffers }, buffers);
    } catch {
      // A model may have answered with what no message can carry: it must not take the others' answers along.
      this.#post({ kind: 'answers', answers: answers.map(sendable), buffers }, buffers);
    }
  };
}

/** The answer, or what is wrong with it. */
function sendable(answer: WireAnswer): WireAnswer {
  try {
    structuredClone(answer);
    return answer;
  } catch (cause) {
    const { message: reason } = InferenceServerError.from(cause);
    const error = new InferenceServerError('INTERNAL', `the model's answer can't be sent: ${reason}`, {
      cause,
    });
    return { call: answer.call, final: answer.final, error: toWireError(error) };
  }
}

function traceIdOf(trace: RequestTrace | undefined): { readonly traceId?: string } {
  return trace === undefined ? {} : { traceId: trace.context.traceId };
}

/** A model is an object with much behind it: the front gets what it may know. */
function plainOf(value: unknown): unknown {
  if (!isModel(value)) return value;
  const { name, version, config, decoupled } = value;
  return { name, version, config, decoupled };
}

function isModel(value: unknown): value is ServedModel {
  return typeof value === 'object' && value !== null && 'decoupled' in value && 'config' in value;
}
