import type { Clock } from './clock.ts';

/** What came of asking an engine for its health: `refused` when nothing listens there. */
export type ProbeResult = 'ok' | 'bad' | 'refused';

/** Judges whether an engine can serve. */
export interface EngineWatch {
  /** A request failed in a way that may be the engine's fault. */
  failed(): void;
  /** A request was done. */
  succeeded(): void;
  close(): void;
}

export interface EngineHealthOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Never rejects. */
  probe(): Promise<ProbeResult>;
  /** Milliseconds since it last sent something. */
  dataAgeMs(): number;
  onUp(): void;
  onDown(why: string): void;
  /** What becomes of an engine that stays down. Default: it is asked for ever. */
  readonly giveUp?: { readonly afterMs: number; onGivenUp(why: string): void };
}

/** One that does not answer is asked again after this long, before it is given up. */
const SECOND_TRY_MS = 1000;
const MOST_MISSES = 2;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Asks an engine for its health. States: up → down after two misses, or at once when nothing listens; down → up with the
 * first good answer, asked for after pauses that double.
 */
export class EngineHealth implements EngineWatch {
  readonly #options: EngineHealthOptions;
  #isUp: boolean;
  #misses = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #isAsking = false;
  #isClosed = false;
  #stopTimer: () => void = () => undefined;
  #stopGivingUp: () => void = () => undefined;

  constructor(options: EngineHealthOptions, isUp: boolean) {
    this.#options = options;
    this.#isUp = isUp;
    if (isUp) this.#askAfter(options.intervalMs);
    else void this.#ask();
  }

  failed(): void {
    if (this.#isUp) void this.#ask();
  }

  succeeded(): void {
    this.#misses = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
    this.#stopGivingUp();
  }

  #askAfter(ms: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.after(ms, () => this.#onTime());
  }

  #onTime(): void {
    const { intervalMs, dataAgeMs } = this.#options;
    // It is alive, and may be late with its health while it works on a long prompt.
    if (this.#isUp && dataAgeMs() < intervalMs) this.#askAfter(intervalMs);
    else void this.#ask();
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    this.#stopTimer();
    const result = await this.#options.probe();
    this.#isAsking = false;
    if (this.#isClosed) return;
    if (result === 'ok') this.#onGood();
    else this.#onMiss(result);
  }

  #onGood(): void {
    this.#misses = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    if (!this.#isUp) {
      this.#isUp = true;
      this.#stopGivingUp();
      this.#options.onUp();
    }
    this.#askAfter(this.#options.intervalMs);
  }

  #onMiss(result: 'bad' | 'refused'): void {
    this.#misses += 1;
    if (this.#isUp && result === 'bad' && this.#misses < MOST_MISSES) {
      this.#askAfter(Math.min(SECOND_TRY_MS, this.#options.intervalMs));
      return;
    }
    if (this.#isUp)
      this.#fall(result === 'refused' ? 'it refuses connections' : 'it does not answer for its health');
    this.#askAfter(this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  #fall(why: string): void {
    const { clock, giveUp, onDown } = this.#options;
    this.#isUp = false;
    if (giveUp !== undefined) {
      const { afterMs } = giveUp;
      this.#stopGivingUp = clock.after(afterMs, () => giveUp.onGivenUp(`${why}, for ${afterMs / 1000} s`));
    }
    onDown(why);
  }
}

export type PassiveHealthOptions = Pick<EngineHealthOptions, 'clock' | 'onUp' | 'onDown'>;

/** Judges an engine that has no health to ask for by the requests it gets: one that fails gets none for a while. */
export class PassiveHealth implements EngineWatch {
  readonly #options: PassiveHealthOptions;
  #pauseMs = FIRST_PAUSE_MS;
  #isUp = true;
  #stopTimer: () => void = () => undefined;

  constructor(options: PassiveHealthOptions) {
    this.#options = options;
    options.onUp();
  }

  failed(): void {
    if (!this.#isUp) return;
    this.#isUp = false;
    this.#options.onDown('a request to it failed');
    this.#stopTimer = this.#options.clock.after(this.#pauseMs, () => {
      this.#isUp = true;
      this.#options.onUp();
    });
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  succeeded(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
  }

  close(): void {
    this.#stopTimer();
  }
}
