import type { InferRequestMessage } from '@nereid/protocol';
import type { ModelIdentifier } from '../model-identifier.ts';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { RequestTrace } from '../telemetry/trace.ts';

/** An inference that a step has begun. */
export interface PendingStep {
  cancel(): void;
  /** Asks a decoupled model for a break between its responses, or to go on. */
  pause?(isPaused: boolean): void;
}

/** What a step asks of its model. */
export interface StepRequest extends InferRequestMessage {
  readonly model: ModelIdentifier;
}

/**
 * Runs one inference on a model. Handed in from outside: a scheduler does not know the service.
 *
 * @param parent - The trace of the request that it is for: the inference gets a child of it.
 */
export type InferFunction = (
  message: StepRequest,
  handler: ResponseHandler,
  parent: RequestTrace | undefined,
) => PendingStep;
