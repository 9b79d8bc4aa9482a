import type { InferenceRequest } from '../request/inference-request.ts';
import type { InferenceResponse, ResponseHandler } from '../response/inference-response.ts';

/** Responses of one request that must wait for earlier requests. */
interface Held {
  readonly deliver: ResponseHandler;
  readonly responses: { readonly response: InferenceResponse | undefined; readonly final: boolean }[];
  ended: boolean;
}

/** Lets responses leave in the order of the requests (`preserve_ordering`). */
export class ResponseOrder {
  readonly #held: Held[] = [];

  /** Puts a request behind all that were tracked before it. */
  track(request: InferenceRequest): void {
    request.wrapHandler((deliver) => {
      const held: Held = { deliver, responses: [], ended: false };
      this.#held.push(held);
      return (response, final) => {
        held.responses.push({ response, final });
        held.ended ||= final;
        this.#release();
      };
    });
  }

  #release(): void {
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      for (const { response, final } of first.responses.splice(0)) first.deliver(response, final);
      if (!first.ended) return;
      this.#held.shift();
    }
  }
}
