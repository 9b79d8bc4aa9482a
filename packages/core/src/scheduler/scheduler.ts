import type { SequenceFields } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';

/** Decides when the requests of one model version execute, and with which others. */
export interface Scheduler {
  /**
   * Takes a request in. From then on the request is answered exactly once, finally.
   *
   * @throws InferenceServerError UNAVAILABLE when the queue is full; nothing was kept then.
   */
  enqueue(request: InferenceRequest): void;
  /** Requests taken in and not yet answered finally, or sequences that go on, whichever are more. */
  readonly inFlightCount: number;
  /** Resolves when nothing is in flight any more. New requests may still come until `close`. */
  drain(): Promise<void>;
  /** Refuses what is still queued (UNAVAILABLE) and stops all timers. */
  close(): void;
  /** Undefined for a scheduler without sequences. */
  readonly sequences?: LiveSequences;
}

/** The sequences that go on in a scheduler. */
export interface LiveSequences {
  /** Whether a request of that correlation ID that is no START would continue one of them. */
  has(id: SequenceFields['id']): boolean;
  /** Begins no sequence from now on (UNAVAILABLE); resolves when those that go on have ended. */
  refuseStarts(): Promise<void>;
  /** Takes no further request of any; those that have none are over. Returns how many went on. */
  cutShort(): number;
}
