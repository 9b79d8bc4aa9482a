import type { InferRequestMessage } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import type { ResponseHandler } from '../response/inference-response.ts';
import type { RequestTrace } from '../telemetry/trace.ts';

/** A ready model version, as the protocols see it. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly config: ModelConfig;
  /** Whether it may answer a request any number of times. */
  readonly decoupled: boolean;
}

/** An inference that was accepted. */
export interface PendingInference {
  /** The client has gone or cancelled; the handler still gets its final response (CANCELLED or what was ready). */
  cancel(): void;
  /** Asks a decoupled model for a break between its responses, or to go on. */
  pause?(isPaused: boolean): void;
}

/** Inference, for both protocols. */
export interface InferenceService {
  /**
   * Looks a model version up.
   *
   * @param version - '' for the highest ready one.
   * @param namespace - Of the model that asks, whose own come first; '' (default) for clients.
   * @throws InferenceServerError NOT_FOUND or UNAVAILABLE "Request for unknown model: …"; INVALID_ARG for a version
   *   that is no number and, with `--model-namespacing`, for a name that no model has or several have.
   */
  getModel(name: string, version: string, namespace?: string): ServedModel;
  /**
   * Validates a request against the model and hands it to its scheduler.
   *
   * Requested outputs come back classified where asked, and in shared memory where asked.
   *
   * @throws InferenceServerError when the request is refused; the handler is then never called. A service in another
   *   thread can't throw that late: its handler then gets one final response that is marked as refused.
   */
  infer(
    model: ServedModel,
    message: InferRequestMessage,
    handler: ResponseHandler,
    trace?: RequestTrace,
  ): PendingInference;
}
