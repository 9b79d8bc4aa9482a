import type { InferenceServerError, InferOutput, Parameters, Tensor } from '@nereid/protocol';

/** One response of a model to one request: outputs, or an error. */
export interface InferenceResponse {
  readonly outputs: readonly InferOutput[];
  readonly parameters: Parameters | undefined;
  readonly error: InferenceServerError | undefined;
  /** Tensors that nobody but the taker of this response has any more. Whoever keeps a tensor leaves them out. */
  readonly spent?: readonly Tensor[] | undefined;
  /** The request never reached its model: what a service in another thread tells in place of throwing. */
  readonly isRefused?: true;
}

/**
 * Receives the responses of one request, in order: any number with `final` false, then exactly one call with
 * `final` true, whose response is undefined when a decoupled model ended with the flag alone.
 */
export type ResponseHandler = (response: InferenceResponse | undefined, final: boolean) => void;

/** A response that carries only an error. */
export function errorResponse(error: InferenceServerError): InferenceResponse {
  return { outputs: [], parameters: undefined, error };
}
