import { InferenceServerError, type InferInput } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';
import { errorResponse, type ResponseHandler } from '../response/inference-response.ts';
import type { Clock } from './clock.ts';
import type { StepNode } from './ensemble-outline.ts';
import type { EnsemblePass } from './ensemble-pass.ts';
import type { InferFunction, PendingStep, StepRequest } from './infer-function.ts';
import type { StepLimiter } from './step-limiter.ts';

/** What a step's run is made of. */
export interface StepRunParts {
  readonly infer: InferFunction;
  readonly clock: Clock;
  /** Undefined: no limit. */
  readonly limiter: StepLimiter | undefined;
  /** The request of the ensemble. */
  readonly request: InferenceRequest;
  readonly inputs: readonly InferInput[];
  /** Sees exactly one final call. */
  readonly onResponse: ResponseHandler;
}

/** A step that runs for one request in one pass. States: waiting for its turn → running → ended; cancelled at any time. */
export class StepRun {
  readonly step: StepNode;
  readonly pass: EnsemblePass;
  readonly #parts: StepRunParts;
  #pending: PendingStep | undefined;
  #isCancelled = false;
  #isEnded = false;
  #holds = 0;
  #isFull = false;

  constructor(step: StepNode, pass: EnsemblePass, parts: StepRunParts) {
    this.step = step;
    this.pass = pass;
    this.#parts = parts;
  }

  /** Whether its responses count no more. */
  get isCancelled(): boolean {
    return this.#isCancelled;
  }

  /**
   * Runs the step as soon as there is room for it.
   *
   * @param onLateStart - Called when that was not at once.
   * @returns Whether it was at once.
   */
  start(onLateStart: () => void): boolean {
    const { limiter } = this.#parts;
    if (limiter === undefined) {
      this.#launch();
      return true;
    }
    let isLate = false;
    const atOnce = limiter.acquire(() => {
      if (isLate) onLateStart();
      this.#launch();
    });
    isLate = true;
    return atOnce;
  }

  /** Asks the model for a break while what it made waits; each `true` is taken back by a `false`. */
  holdBack(isHeld: boolean): void {
    this.#holds += isHeld ? 1 : -1;
    if (this.#holds === (isHeld ? 1 : 0)) this.#pending?.pause?.(isHeld);
  }

  /** Holds the model back while as many of its responses are under way as may be. */
  setFull(isFull: boolean): void {
    if (isFull === this.#isFull) return;
    this.#isFull = isFull;
    this.holdBack(isFull);
  }

  /** Nobody waits for it any more. */
  cancel(): void {
    if (this.#isCancelled) return;
    this.#isCancelled = true;
    this.#pending?.cancel();
  }

  #launch(): void {
    if (this.#isCancelled) {
      this.#end();
      return;
    }
    const { infer, request, onResponse } = this.#parts;
    const handler: ResponseHandler = (response, final) => {
      if (!final) {
        onResponse(response, false);
        return;
      }
      this.#end(response);
    };
    try {
      this.#pending = infer(this.#message(), handler, request.trace);
    } catch (error) {
      this.#end(errorResponse(InferenceServerError.from(error)));
      return;
    }
    if (this.#isCancelled) this.#pending.cancel();
    else if (this.#holds > 0) this.#pending.pause?.(true);
  }

  #end(response?: Parameters<ResponseHandler>[0]): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.limiter?.release();
    this.#parts.onResponse(response, true);
  }

  #message(): StepRequest {
    const { request, inputs } = this.#parts;
    const { id, parameters, priority, sequence } = request;
    return {
      model: this.step.model,
      modelName: this.step.modelName,
      modelVersion: this.step.modelVersion,
      id,
      inputs,
      outputs: this.step.requestedOutputs,
      binaryDataOutput: false,
      priority,
      timeoutUs: this.#remainingUs(),
      sequence,
      parameters,
    };
  }

  /** What is left of the request's timeout; at least 1, since 0 would be none. */
  #remainingUs(): number {
    const { request, clock } = this.#parts;
    if (request.timeoutUs === 0) return 0;
    const elapsedUs = Math.ceil((clock.now() - request.times.arrived) / 1000);
    return Math.max(1, request.timeoutUs - elapsedUs);
  }
}
