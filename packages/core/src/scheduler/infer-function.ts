import type { InferRequestMessage } from '@nereid/protocol';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { RequestTrace } from '../telemetry/trace.ts';

/** An inference that a step has begun. */
export interface PendingStep {
  cancel(): void;
  /** Asks a decoupled model for a break between its responses, or to go on. */
  pause?(isPaused: boolean): void;
}

/**
 * Runs one inference on a model by name. Handed in from outside: a scheduler does not know the service.
 *
 * @param parent - The trace of the request that it is for: the inference gets a child of it.
 */
export type InferFunction = (
  message: InferRequestMessage,
  handler: ResponseHandler,
  parent: RequestTrace | undefined,
) => PendingStep;
