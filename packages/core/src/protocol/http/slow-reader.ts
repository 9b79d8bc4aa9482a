/** What happens while the client of a streamed answer does not read it. */
import type { HttpAnswer } from '@nereid/backend-sdk/http';
import type { PendingInference } from '../../service/inference-service.ts';
import type { HttpContext } from './http-services.ts';

type SlowReaderContext = Pick<HttpContext, 'logger' | 'streamTimeoutMs'>;

/**
 * Lets a model wait for its client. States: reading ⇄ held; a client that takes nothing for too long while its model
 * is held loses its connection, which cancels the request.
 */
export class SlowReader {
  readonly #answer: HttpAnswer;
  readonly #pending: PendingInference;
  readonly #timeoutMs: number;
  readonly #logger: SlowReaderContext['logger'];
  #isHeld = false;
  readonly #giveUp = (): void => {
    const seconds = String(this.#timeoutMs / 1000);
    this.#logger.verbose(1, `a client took nothing of its stream for ${seconds} s (--stream-timeout-secs)`);
    this.#answer.destroy();
  };

  constructor(answer: HttpAnswer, pending: PendingInference, context: SlowReaderContext) {
    this.#answer = answer;
    this.#pending = pending;
    this.#timeoutMs = context.streamTimeoutMs;
    this.#logger = context.logger;
  }

  /** To be called after each response that is not the last: holds the model when what was written waits. */
  check(): void {
    const answer = this.#answer;
    if (this.#isHeld || !answer.writableNeedDrain) return;
    this.#isHeld = true;
    answer.once('drain', () => this.#goOn());
    // Of the socket: it counts from the last byte that was taken, not from the last write.
    if (this.#timeoutMs > 0) answer.setTimeout(this.#timeoutMs).once('timeout', this.#giveUp);
    this.#pending.pause?.(true);
  }

  #goOn(): void {
    this.#isHeld = false;
    if (this.#timeoutMs > 0) this.#answer.setTimeout(0).off('timeout', this.#giveUp);
    this.#pending.pause?.(false);
  }
}
