import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { InferenceServerError } from '@nereid/backend-sdk';
import { describeEnd } from './describe-end.ts';
import { Heartbeat } from './heartbeat.ts';
import { LastLines } from './last-lines.ts';
import { MemoryCgroup } from './memory-cgroup.ts';
import { describeMissingPython } from './missing-python.ts';
import type { StubLimits } from './stub-limits.ts';

const STUB = fileURLToPath(new URL('../python/stub.py', import.meta.url));
/** What the process left in its pipes is waited for this long; a child of it that ran away may hold them open. */
const DRAIN_LIMIT_MS = 500;
/** A process that has closed its channel is given this long to end. */
const EXIT_LIMIT_MS = 1000;

/**
 * What the environment of a process has unless the server's says otherwise. OpenBLAS, which numpy brings, has its threads
 * spin for 2^28 clock cycles before they sleep, from the import on: on two cores that is a third of the import of numpy,
 * and later it takes the cores from the server. 2^20 cycles, about half a millisecond, still bridge one call and the next.
 */
const DEFAULT_ENVIRONMENT = { OPENBLAS_THREAD_TIMEOUT: '20' };

export interface StubChildOptions {
  /** The Python that runs it: a path or a command. */
  readonly interpreter: string;
  /** Added to the environment of the server. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limits: StubLimits;
  /** Called once, as soon as it can't answer any more: nothing new must be sent to it. */
  onGone(): void;
  /** Called once, after `onGone`, when all that it wrote has been read. @param how - What happened to it. */
  onEnd(how: string): void;
}

/**
 * A stub as a process: its pipes, its signs of life, its end. It leads a process group, so that what the model has
 * started ends with it; `python/nereid_stub/guard.py` ends the group when the server is gone.
 */
export class StubChild {
  readonly #child: ChildProcess;
  readonly #heartbeat: Heartbeat;
  readonly #stderr = new LastLines();
  readonly #onGone: () => void;
  readonly #cgroup = MemoryCgroup.open();
  #killedBecause: string | undefined;
  #isGone = false;
  /** Resolves after `onEnd`. */
  readonly ended: Promise<void>;

  constructor({ interpreter, environment, limits, onGone, onEnd }: StubChildOptions) {
    this.#onGone = onGone;
    this.#child = spawn(interpreter, [STUB], {
      stdio: ['ignore', 'inherit', 'pipe', 'pipe', 'pipe'],
      env: { ...DEFAULT_ENVIRONMENT, ...process.env, PYTHONUNBUFFERED: '1', ...environment },
      detached: true,
    });
    this.#heartbeat = new Heartbeat({
      startSeconds: limits.startSeconds,
      silentSeconds: limits.heartbeatSeconds,
      onSilence: (why) => this.kill(why),
    });
    this.#heartbeat.start();
    this.#pipe(4).on('data', () => this.#heartbeat.beat());
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr.add(text);
      process.stderr.write(text);
    });
    this.ended = this.#watch(interpreter).then(onEnd);
  }

  /** The end of the channel that is the server's. */
  get socket(): Duplex {
    return this.#pipe(3);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether the process seems to be stopped or to hang. */
  get isSilent(): boolean {
    return this.#heartbeat.isLate;
  }

  /** Ends the process and all that it started. @param why - For the errors of what it had to do. */
  kill(why: string): void {
    this.#killedBecause ??= why;
    this.#killGroup();
  }

  /** @returns How it ended. */
  #watch(interpreter: string): Promise<string> {
    return new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#gone();
        const isMissing = 'code' in cause && cause.code === 'ENOENT';
        const why = isMissing
          ? describeMissingPython(interpreter)
          : `'${interpreter}' gives ${cause.message}`;
        resolve(`can't be started: ${why}`);
      });
      // The kernel closes the channel before it tells of the end.
      let exitTimer: NodeJS.Timeout | undefined;
      this.socket.once('end', () => {
        if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
        this.#gone();
        exitTimer = setTimeout(() => this.kill('it closed its channel to the server'), EXIT_LIMIT_MS);
      });
      this.#child.once('exit', (status, signal) => {
        clearTimeout(exitTimer);
        this.#gone();
        // Its guard, and what the model started.
        this.#killGroup();
        const tell = (): void => {
          clearTimeout(timer);
          const lastLines = this.#stderr.lines;
          const [killedBecause, cgroup] = [this.#killedBecause, this.#cgroup];
          resolve(describeEnd({ status, signal, killedBecause, cgroup, lastLines }));
        };
        const timer = setTimeout(tell, DRAIN_LIMIT_MS);
        // Answers that it gave before it ended are still on their way.
        this.#child.once('close', tell);
      });
    });
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#heartbeat.close();
    this.#onGone();
  }

  #killGroup(): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
  }

  #pipe(number: number): Duplex {
    const pipe = this.#child.stdio[number];
    if (!(pipe instanceof Duplex)) {
      throw new InferenceServerError('INTERNAL', 'the channel to a Python process could not be opened');
    }
    // What is written to a process that has just ended is lost with it.
    if (pipe.listenerCount('error') === 0) pipe.on('error', () => undefined);
    return pipe;
  }
}
