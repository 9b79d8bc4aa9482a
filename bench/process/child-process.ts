import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { pinnedTo, splitOwnCores } from './pinned-cores.ts';

const STDERR_KEPT = 4000;
const STOP_LIMIT_MS = 15_000;

/** A server that a benchmark started, on the cores that are for servers, and ends. */
export class OwnedProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #stderr = '';

  /**
   * @param command - Default: the Node that runs the benchmark.
   * @param environment - Added to that of the benchmark. Default: nothing.
   */
  constructor(
    args: readonly string[],
    command: string = process.execPath,
    environment: Readonly<Record<string, string>> = {},
  ) {
    const env = { ...process.env, ...environment };
    const pinned = pinnedTo(splitOwnCores()?.servers, { command, args });
    this.#child = spawn(pinned.command, pinned.args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-STDERR_KEPT);
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Its first line of output.
   *
   * @throws Error when it ends without one.
   */
  async firstLine(): Promise<string> {
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('the process has no output');
    let text = '';
    for await (const chunk of stdout.setEncoding('utf8').iterator({ destroyOnReturn: false })) {
      text += String(chunk);
      const end = text.indexOf('\n');
      if (end >= 0) {
        stdout.resume();
        return text.slice(0, end);
      }
    }
    this.assertRuns();
    throw new Error('the process closed its output without a line');
  }

  /** Lets it write what it likes, unread. */
  discardOutput(): void {
    this.#child.stdout?.resume();
  }

  /** @throws Error with the last of its error output when it has ended. */
  assertRuns(): void {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) return;
    throw new Error(`the process ended (${signalCode ?? `status ${exitCode}`}):\n${this.#stderr}`);
  }

  /** Ends it, by force if it takes too long. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const force = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await ended;
    clearTimeout(force);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
