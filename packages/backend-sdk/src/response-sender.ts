import type { Parameters, Tensor } from '@nereid/protocol';

/** What a backend answers: output tensors, and response parameters that go to the client. */
export interface BackendResponse {
  readonly outputs: readonly Tensor[];
  readonly parameters?: Parameters;
  /**
   * With the final response of an ordinary model: inputs and outputs that the backend has no use for any more. Once the response
   * is sent to a client, the memory of large ones may serve for others: views of it have length 0 then. Default: none; then it
   * is collected as garbage some time.
   */
  readonly spent?: readonly Tensor[];
}

/**
 * Answers one request: once for an ordinary model, any number of times for a decoupled one. The life of a
 * request: open → (send)* → final. Sending after the final response is an error.
 */
export interface ResponseSender {
  /**
   * Sends a response.
   *
   * @param final - Whether it is the last one. Default: true for ordinary models, false for decoupled ones.
   * @throws InferenceServerError INTERNAL when the request was answered finally before.
   */
  send(response: BackendResponse, final?: boolean): void;
  /**
   * Sends an error as response; anything thrown may be given.
   *
   * @param final - Default: true for ordinary models, false for decoupled ones.
   */
  sendError(error: unknown, final?: boolean): void;
  /** Ends the request without a further response (decoupled models). Does nothing when it has ended. */
  complete(): void;
}
