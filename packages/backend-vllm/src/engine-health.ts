import type { Clock } from './clock.ts';

/**
 * What came of asking an engine for its health: `refused` when nothing listens there, `silent` when no answer came in time,
 * which an engine that has all it can do may have in common with one that hangs.
 */
export type ProbeResult = 'ok' | 'bad' | 'silent' | 'refused';

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
  /** Whether it has requests of ours. */
  hasRequests(): boolean;
  onUp(): void;
  /** It says nothing, and may be busy with what it has: that goes on, and nothing is added. Then `onUp` or `onDown`. */
  onRest(why: string): void;
  onDown(why: string): void;
  /** What becomes of an engine that stays silent or down. Default: it is asked for ever. */
  readonly giveUp?: { readonly afterMs: number; onGivenUp(why: string): void };
}

/** One that does not answer is asked again after this long, before it is given up. */
const SECOND_TRY_MS = 1000;
const MOST_MISSES = 2;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** What an engine has is left to it for so long while it says nothing: one that reads a body of 28 MB may need seconds for it. */
const PATIENCE_MS = 10_000;

const SILENCE = 'it does not answer for its health';

/**
 * Asks an engine for its health. States: up → down after two misses, or at once when nothing listens; up → resting in place
 * of down when it was silent and has requests, and down when that lasts; down or resting → up with the first good answer,
 * asked for after pauses that double. Data of an answer is as good as an answer about its health, but of one that is down.
 */
export class EngineHealth implements EngineWatch {
  readonly #options: EngineHealthOptions;
  #state: 'up' | 'resting' | 'down';
  #misses = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #isAsking = false;
  #isClosed = false;
  #stopTimer: () => void = () => undefined;
  #stopGivingUp: (() => void) | undefined;
  #stopPatience: (() => void) | undefined;

  constructor(options: EngineHealthOptions, isUp: boolean) {
    this.#options = options;
    this.#state = isUp ? 'up' : 'down';
    if (isUp) this.#askAfter(options.intervalMs);
    else void this.#ask();
  }

  failed(): void {
    if (this.#state === 'up') void this.#ask();
  }

  succeeded(): void {
    this.#misses = 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#stopTimer();
    this.#stopWaiting();
  }

  #askAfter(ms: number): void {
    this.#stopTimer();
    this.#stopTimer = this.#options.clock.after(ms, () => this.#onTime());
  }

  #onTime(): void {
    // It is alive, and may be late with its health while it works on a long prompt.
    if (this.#hasShownLife) this.#onGood();
    else void this.#ask();
  }

  get #hasShownLife(): boolean {
    return this.#state !== 'down' && this.#options.dataAgeMs() < this.#options.intervalMs;
  }

  async #ask(): Promise<void> {
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    this.#stopTimer();
    const result = await this.#options.probe();
    this.#isAsking = false;
    if (this.#isClosed) return;
    if (result === 'ok' || (result === 'silent' && this.#hasShownLife)) this.#onGood();
    else this.#onMiss(result);
  }

  #onGood(): void {
    this.#misses = 0;
    this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#state !== 'up') {
      this.#state = 'up';
      this.#stopWaiting();
      this.#options.onUp();
    }
    this.#askAfter(this.#options.intervalMs);
  }

  #onMiss(result: 'bad' | 'silent' | 'refused'): void {
    this.#misses += 1;
    if (this.#state === 'up' && result !== 'refused' && this.#misses < MOST_MISSES) {
      this.#askAfter(Math.min(SECOND_TRY_MS, this.#options.intervalMs));
      return;
    }
    const mayBeBusy = result === 'silent' && this.#options.hasRequests();
    if (this.#state === 'up' && mayBeBusy) this.#rest();
    else if (this.#state !== 'down' && !mayBeBusy)
      this.#fall(result === 'refused' ? 'it refuses connections' : SILENCE);
    this.#askAfter(this.#pauseMs);
    this.#pauseMs = Math.min(LONGEST_PAUSE_MS, this.#pauseMs * 2);
  }

  #rest(): void {
    const { clock, giveUp, onRest } = this.#options;
    this.#state = 'resting';
    this.#giveUpLater(SILENCE);
    const patienceMs = Math.min(PATIENCE_MS, giveUp?.afterMs ?? PATIENCE_MS);
    this.#stopPatience = clock.after(patienceMs, () => this.#fall(SILENCE));
    onRest(`${SILENCE}, and may be busy: what it has is left to it for ${patienceMs / 1000} s`);
  }

  #fall(why: string): void {
    this.#stopPatience?.();
    this.#state = 'down';
    this.#giveUpLater(why);
    this.#options.onDown(why);
  }

  /** The time of one that rested before it was down goes on. */
  #giveUpLater(why: string): void {
    const { clock, giveUp } = this.#options;
    if (giveUp === undefined) return;
    const { afterMs } = giveUp;
    this.#stopGivingUp ??= clock.after(afterMs, () => giveUp.onGivenUp(`${why}, for ${afterMs / 1000} s`));
  }

  #stopWaiting(): void {
    this.#stopPatience?.();
    this.#stopGivingUp?.();
    this.#stopGivingUp = undefined;
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
