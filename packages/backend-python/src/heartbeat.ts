/** How often a process says that it is alive, and how often that is looked at. */
const TICK_MS = 1000;
/** A process that missed this many beats may come back, but does not count as ready. */
const LATE_BEATS = 5;

export interface HeartbeatOptions {
  /** Until the first beat. */
  readonly startSeconds: number;
  /** Between beats; 0: no limit. */
  readonly silentSeconds: number;
  /** Called once, when one of the limits has passed. @param why - What is to be said about it. */
  onSilence(why: string): void;
}

/**
 * Notices a process that has stopped, or hangs where not even a thread of its runs. Missed beats are counted, not
 * time: a server that was itself held up must not blame its processes.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  #timer: NodeJS.Timeout | undefined;
  #missed = 0;
  #hasBegun = false;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer = setInterval(() => this.tick(), TICK_MS).unref();
  }

  /** The process showed that it is alive. */
  beat(): void {
    this.#hasBegun = true;
    this.#missed = 0;
  }

  /** Whether the process has been silent for longer than a healthy one is. */
  get isLate(): boolean {
    return this.#missed >= LATE_BEATS;
  }

  /** A second has passed. Called by the timer. */
  tick(): void {
    this.#missed += 1;
    const { startSeconds, silentSeconds } = this.#options;
    const limit = this.#hasBegun ? silentSeconds : startSeconds;
    if (limit === 0 || this.#missed <= limit) return;
    this.close();
    this.#options.onSilence(
      this.#hasBegun
        ? `it showed no sign of life for ${limit} s (heartbeat-timeout-seconds)`
        : `it did not start within ${limit} s (stub-timeout-seconds)`,
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
