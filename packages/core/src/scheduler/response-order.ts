import type { InferenceRequest } from '../request/inference-request.ts';
import type { InferenceResponse, ResponseHandler } from '../response/inference-response.ts';

/** Responses of one request that must wait for earlier requests. */
interface Held {
  readonly request: InferenceRequest;
  readonly deliver: ResponseHandler;
  readonly responses: { readonly response: InferenceResponse | undefined; readonly final: boolean }[];
  ended: boolean;
}

/**
 * Lets responses leave in the order of the requests (`preserve_ordering`). While the taker of one can't keep up, later
 * ones are paused, too: their responses would pile up behind it.
 */
export class ResponseOrder {
  readonly #held: Held[] = [];
  #isReleasing = false;
  #isAnyPaused = false;
  readonly #onPause = (): void => this.#pauseLater();

  /** Puts a request behind all that were tracked before it. */
  track(request: InferenceRequest): void {
    request.wrapHandler((deliver) => {
      const held: Held = { request, deliver, responses: [], ended: false };
      this.#held.push(held);
      request.onPause = this.#onPause;
      if (this.#isAnyPaused || request.isPaused) this.#pauseLater();
      return (response, final) => {
        held.responses.push({ response, final });
        held.ended ||= final;
        this.#release();
      };
    });
  }

  /** Whoever gets a response may end other requests on the spot, which comes back here: the loop takes those, too. */
  #release(): void {
    if (this.#isReleasing) return;
    this.#isReleasing = true;
    for (let first = this.#held[0]; first !== undefined; first = this.#held[0]) {
      const next = first.responses.shift();
      if (next !== undefined) first.deliver(next.response, next.final);
      else if (first.ended) this.#remove();
      else break;
    }
    this.#isReleasing = false;
  }

  #remove(): void {
    this.#held.shift();
    if (this.#isAnyPaused) this.#pauseLater();
  }

  #pauseLater(): void {
    let isPaused = false;
    for (const { request, ended } of this.#held) {
      request.pauseByOrder(isPaused);
      isPaused ||= request.isPausedByTaker && !ended;
    }
    this.#isAnyPaused = isPaused;
  }
}
