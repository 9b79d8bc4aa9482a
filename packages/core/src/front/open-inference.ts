import type { PendingInference } from '../service/inference-service.ts';
import type { WireAnswer } from './front-messages.ts';

/** So much of a stream may be on its way to a front, in bytes; with the next response its model makes a break. */
const WINDOW = 1 << 20;

/** What a response counts besides the bytes of its tensors. */
const RESPONSE_WEIGHT = 1024;

/** What a response counts in the window of its stream. */
export function weightOf({ outputs = [] }: Pick<WireAnswer, 'outputs'>): number {
  return outputs.reduce((sum, { bytes }) => sum + (bytes?.byteLength ?? 0), RESPONSE_WEIGHT);
}

/**
 * An inference of a front. Its model makes a break while the front wants one, and while much is on its way: a model in
 * this thread may make any number of responses before the wish of the front is read.
 */
export class OpenInference {
  #pending: PendingInference | undefined;
  #onWay = 0;
  #isHeldByFront = false;
  #isPaused = false;

  /** It was accepted; responses may have come by then. */
  begin(pending: PendingInference): void {
    this.#pending = pending;
    if (this.#isPaused) pending.pause?.(true);
  }

  cancel(): void {
    this.#pending?.cancel();
  }

  /** What the front says of its client. */
  hold(isHeld: boolean): void {
    this.#isHeldByFront = isHeld;
    this.#decide();
  }

  /** A response leaves that is not the last. */
  noteSent(weight: number): void {
    this.#onWay += weight;
    this.#decide();
  }

  /** The front has such responses. */
  noteTaken(weight: number): void {
    this.#onWay -= weight;
    this.#decide();
  }

  #decide(): void {
    const isPaused = this.#isHeldByFront || this.#onWay >= WINDOW;
    if (isPaused === this.#isPaused) return;
    this.#isPaused = isPaused;
    this.#pending?.pause?.(isPaused);
  }
}
