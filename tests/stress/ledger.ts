import { InferenceServerError, type StatusCode } from '@nereid/client';

/** Errors that a request of the mix may rightly meet. */
const EXPECTED: readonly StatusCode[] = ['CANCELLED', 'UNAVAILABLE'];

/** What became of the requests to one model. */
export interface Tally {
  asked: number;
  answered: number;
  /** The client gave up, or left; the server may have answered all the same. */
  left: number;
  /** By the server: queue full, or waited too long. */
  refused: number;
}

/** Counts what becomes of each request, and keeps what must not happen. */
export class Ledger {
  readonly models = new Map<string, Tally>();
  /** Lost, doubled, crossed or failed for no good reason, in words. */
  readonly faults: string[] = [];
  #token = 0;

  /** A number that no other request has. */
  nextToken(): number {
    return ++this.#token;
  }

  tally(model: string): Tally {
    const found = this.models.get(model);
    if (found !== undefined) return found;
    const made: Tally = { asked: 0, answered: 0, left: 0, refused: 0 };
    this.models.set(model, made);
    return made;
  }

  /**
   * Makes a request and notes how it ended.
   *
   * @param run - Gives what is wrong with the answer; undefined: nothing.
   * @param mayLeave - Whether its client may give up on it.
   */
  async ask(model: string, run: () => Promise<string | undefined>, mayLeave: boolean): Promise<void> {
    const tally = this.tally(model);
    tally.asked += 1;
    try {
      const fault = await run();
      if (fault === undefined) tally.answered += 1;
      else this.faults.push(`${model}: ${fault}`);
    } catch (error) {
      const { code, message } = InferenceServerError.from(error);
      if (mayLeave && code === 'CANCELLED') tally.left += 1;
      else if (EXPECTED.includes(code)) tally.refused += 1;
      else this.faults.push(`${model}: ${code} ${message}`);
    }
  }
}
