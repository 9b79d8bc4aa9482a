import { InferenceServerError } from '@nereid/backend-sdk';
import type { Clock } from './clock.ts';
import type { EngineConnection } from './engine-connection.ts';
import type { StartedEngine } from './engine-start.ts';

/** An engine that ran this long had no fault of its own. */
const STABLE_MS = 60_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

export interface EngineSupervisorOptions {
  readonly clock: Clock;
  /** Failed starts in a row after which no other is tried; 0: never. */
  readonly maxRestarts: number;
  /** Starts an engine; resolves when it can serve. The signal aborts when it is no longer wanted. */
  start(signal: AbortSignal): Promise<StartedEngine>;
  /** The engine can serve. */
  onUp(connection: EngineConnection): void;
  /**
   * It can't any more. Called once for each `onUp`, before the engine is started again.
   *
   * @param isWanted - Whether it is to be started again; false: it was stopped.
   */
  onDown(connection: EngineConnection, why: string, isWanted: boolean): void;
  /** It is being started again, or could not be. */
  onRestart(): void;
  onFailure(message: string): void;
}

/**
 * Keeps an engine of ours running. States: starting → running → restarting → running …; stopped at the end. One that ends
 * is started again at once, and after pauses that double while it goes on failing.
 */
export class EngineSupervisor {
  readonly #options: EngineSupervisorOptions;
  readonly #stopping = new AbortController();
  #running: StartedEngine | undefined;
  #work: Promise<void> = Promise.resolve();
  #startedAt = 0;
  #failures = 0;

  constructor(options: EngineSupervisorOptions) {
    this.#options = options;
  }

  /** The first start. @throws InferenceServerError when it fails; it is not tried again. */
  async start(): Promise<void> {
    await this.#launch();
    this.#work = this.#keepRunning();
  }

  /** Ends the engine, to have it started again. @param why - For the log and the requests that it has. */
  kill(why: string): void {
    this.#running?.process.kill(why);
  }

  /** Lets the engine finish; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.process.stop();
    await this.#work;
  }

  async #launch(): Promise<void> {
    const engine = await this.#options.start(this.#stopping.signal);
    if (this.#stopping.signal.aborted) {
      engine.connection.close();
      await engine.process.stop();
      throw new InferenceServerError('UNAVAILABLE', 'the engine is no longer wanted');
    }
    this.#running = engine;
    this.#startedAt = this.#options.clock.now();
    this.#options.onUp(engine.connection);
  }

  async #keepRunning(): Promise<void> {
    while (this.#running !== undefined) {
      await this.#untilEnd(this.#running);
      if (this.#stopping.signal.aborted) return;
      if (this.#options.clock.now() - this.#startedAt > STABLE_MS) this.#failures = 0;
      await this.#startAgain();
    }
  }

  async #untilEnd({ process, connection, log }: StartedEngine): Promise<void> {
    const how = await process.ended;
    this.#running = undefined;
    const isWanted = !this.#stopping.signal.aborted;
    const words = isWanted && log.reason !== '' ? `: ${log.reason}` : '';
    this.#options.onDown(connection, `the engine ${how}${words}`, isWanted);
    connection.close();
  }

  /** Until it runs, is no longer wanted, or was tried often enough. */
  async #startAgain(): Promise<void> {
    const { maxRestarts, onFailure, onRestart } = this.#options;
    while (this.#running === undefined && !this.#stopping.signal.aborted) {
      if (maxRestarts > 0 && this.#failures >= maxRestarts) {
        onFailure(`it ended ${this.#failures} times in a row and is not started again, load the model anew`);
        return;
      }
      await this.#pause();
      if (this.#stopping.signal.aborted) return;
      onRestart();
      await this.#launch().catch((error: unknown) => {
        if (!this.#stopping.signal.aborted) onFailure(InferenceServerError.from(error).message);
      });
    }
  }

  #pause(): Promise<void> {
    const ms =
      this.#failures === 0 ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (this.#failures - 1));
    this.#failures += 1;
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        signal.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#options.clock.after(ms, end);
      signal.addEventListener('abort', end);
    });
  }
}
