import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

/** Ends the group when the server is gone. */
export const GUARD = fileURLToPath(new URL('../scripts/engine-guard.sh', import.meta.url));
/** An engine that was told to end and does not is killed after this long. */
const STOP_LIMIT_MS = 10_000;
/** What the engine left in its pipes is waited for this long. */
const DRAIN_LIMIT_MS = 500;
/** The shell's status for a command that a signal ended: this and the signal's number. */
const SIGNALLED = 128;

export interface EngineProcessOptions {
  /** The program, found on the path, and its arguments. */
  readonly command: readonly string[];
  /** Added to the environment of the server. */
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each line that it writes, of either stream. */
  onLine(line: string): void;
}

/**
 * An engine as a process: the leader of a process group, so that what it has started ends with it. States: running →
 * stopping → ended. The group also ends when the server does (`scripts/engine-guard.sh`).
 */
export class EngineProcess {
  readonly #child: ChildProcess;
  #killTimer: NodeJS.Timeout | undefined;
  #killedBecause: string | undefined;
  #hasEnded = false;
  /** Resolves with how it ended, when all of its group is gone and all that it wrote was read. */
  readonly ended: Promise<string>;

  constructor({ command, environment, onLine }: EngineProcessOptions) {
    this.#child = spawn('/bin/sh', [GUARD, String(STOP_LIMIT_MS / 1000), ...command], {
      // A group of its own: what ends the server's, Ctrl-C among it, is not for the engine.
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
      // Python would keep its lines to itself until there are 8 KiB of them.
      env: { ...process.env, PYTHONUNBUFFERED: '1', ...environment },
    });
    // The guard may end before it has its pipe.
    this.#child.stdin?.on('error', () => undefined);
    for (const stream of [this.#child.stdout, this.#child.stderr]) readLines(stream, onLine);
    this.ended = this.#watch();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Lets the engine finish, and kills what is left of its group after ten seconds. */
  async stop(): Promise<void> {
    if (!this.#hasEnded && this.#killTimer === undefined) {
      this.#killedBecause ??= 'it was stopped';
      this.#signalGroup('SIGTERM');
      this.#killTimer = setTimeout(() => this.#signalGroup('SIGKILL'), STOP_LIMIT_MS);
    }
    await this.ended;
  }

  /** Ends the engine and all that it started, at once. @param why - For the log and the requests that it had. */
  kill(why: string): void {
    this.#killedBecause ??= why;
    this.#signalGroup('SIGKILL');
  }

  #watch(): Promise<string> {
    return new Promise((resolve) => {
      this.#child.once('error', (cause) => {
        this.#hasEnded = true;
        resolve(`can't be started: ${cause.message}`);
      });
      this.#child.once('exit', (status, signal) => {
        this.#hasEnded = true;
        clearTimeout(this.#killTimer);
        // What the engine has left behind.
        this.#signalGroup('SIGKILL');
        const tell = (): void => {
          clearTimeout(timer);
          resolve(describe(status, signal, this.#killedBecause));
        };
        // A child that left the group may hold the pipes open.
        const timer = setTimeout(tell, DRAIN_LIMIT_MS);
        this.#child.once('close', tell);
      });
    });
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch {
      // Nothing of the group is left.
    }
  }
}

function readLines(stream: Readable | null, onLine: (line: string) => void): void {
  // Progress bars end their lines with a carriage return: it is a line's end for readline, too.
  if (stream !== null) createInterface({ input: stream, crlfDelay: Infinity }).on('line', onLine);
}

function describe(
  status: number | null,
  signal: NodeJS.Signals | null,
  killedBecause: string | undefined,
): string {
  if (killedBecause !== undefined) return `was ended: ${killedBecause}`;
  const name = signal ?? signalOf(status);
  if (name === 'SIGKILL') return "was ended by SIGKILL (by a user or the kernel's OOM killer, see dmesg)";
  return name === undefined ? `ended with status ${status ?? 'unknown'}` : `was ended by ${name}`;
}

function signalOf(status: number | null): string | undefined {
  const number = (status ?? 0) - SIGNALLED;
  return Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
}
