import { RestFromLooking } from './rest-from-looking.ts';

/** Whoever was waited for no longer than this, waking up included, might as well have been waited for awake. */
const SHORT_WAIT_MS = 0.5;
/** Nothing is known of a process at first. */
const UNKNOWN_MS = 4 * SHORT_WAIT_MS;
/** How fast a wait is forgotten. */
const FORGET = 0.1;

/** What a watch needs of its thread. */
interface AnswerWatchParts {
  /** Milliseconds of a clock that only goes on. */
  readonly now: () => number;
  /** Calls a function in the next round of the event loop, for which it does not sleep. */
  readonly nextRound: (call: () => void) => void;
  /** Milliseconds of CPU that this thread has had; undefined where Node can't tell. */
  readonly cpuMs: (() => number) | undefined;
}

/** Since Node 23.9. */
const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } };
const THREAD_CPU =
  threadCpuUsage === undefined
    ? undefined
    : (): number => {
        const { user, system } = threadCpuUsage();
        return (user + system) / 1000;
      };

/**
 * Keeps the thread awake while a process is about to answer a single request, if it is quick: being woken takes the
 * thread as long as a small model takes. The event loop goes round and round meanwhile, so that nobody else waits.
 */
export class AnswerWatch {
  readonly #limitMs: number;
  readonly #parts: Pick<AnswerWatchParts, 'now' | 'nextRound'>;
  readonly #rest: RestFromLooking;
  #meanMs = UNKNOWN_MS;
  #since: number | undefined;
  #until = 0;
  #isLooking = false;

  /** @param limitMs - How long to stay awake for one answer; 0: never. */
  constructor(
    limitMs: number,
    {
      now = () => performance.now(),
      nextRound = setImmediate,
      cpuMs = THREAD_CPU,
    }: Partial<AnswerWatchParts> = {},
  ) {
    this.#limitMs = limitMs;
    this.#rest = new RestFromLooking(cpuMs);
    this.#parts = { now, nextRound };
  }

  /** The process has got something to do, and nothing else. */
  begin(): void {
    if (this.#limitMs === 0) return;
    const now = this.#parts.now();
    this.#since = now;
    if (this.#meanMs > SHORT_WAIT_MS || !this.#rest.begin()) return;
    this.#until = now + this.#limitMs;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#parts.nextRound(this.#look);
  }

  /** The process has said something. */
  heard(): void {
    this.#rest.heard();
    if (this.#since !== undefined) this.#meanMs += (this.#parts.now() - this.#since - this.#meanMs) * FORGET;
    this.stop();
  }

  /** The process has more to do: what comes back bundled is not worth a core that others may want. */
  stop(): void {
    this.#since = undefined;
    this.#until = 0;
  }

  readonly #look = (): void => {
    const now = this.#parts.now();
    if (now < this.#until && this.#rest.look(now)) this.#parts.nextRound(this.#look);
    else this.#isLooking = false;
  };
}
