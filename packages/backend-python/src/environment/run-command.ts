import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** A command to run to its end. */
export interface Command {
  /** A path, or a name on the path. */
  readonly command: string;
  readonly args: readonly string[];
  /** Default: the server's. */
  readonly cwd?: string;
  /** Ends the command, and all that it started, when it aborts. */
  readonly signal: AbortSignal;
  /** Called with each line that the command prints. */
  readonly onLine?: (line: string) => void;
}

/** How a command ended. */
export type CommandResult =
  /** There is no such command. */
  | { readonly kind: 'missing' }
  | {
      readonly kind: 'ended';
      /** null: a signal ended it. */
      readonly status: number | null;
      /** Its last lines, of both streams. */
      readonly lines: readonly string[];
    };

/** Enough for any message of an installer, and little beside a log of megabytes. */
const KEPT_LINES = 200;
const HAS_GROUPS = process.platform !== 'win32';

/** @throws the signal's reason, when it aborts: after the command has ended. */
export async function runCommand(command: Command): Promise<CommandResult> {
  const { signal } = command;
  signal.throwIfAborted();
  // A group of its own: an installer starts processes, which have to end with it.
  const child = spawn(command.command, command.args, {
    ...(command.cwd !== undefined && { cwd: command.cwd }),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: HAS_GROUPS,
    env: { ...process.env, PYTHONUNBUFFERED: '1', NO_COLOR: '1' },
  });
  const onAbort = (): void => killGroup(child);
  signal.addEventListener('abort', onAbort, { once: true });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      if (lines.push(line) > KEPT_LINES) lines.shift();
      command.onLine?.(line);
    });
  }
  try {
    return await untilEnded(child, lines);
  } finally {
    signal.removeEventListener('abort', onAbort);
    signal.throwIfAborted();
  }
}

function untilEnded(child: ChildProcess, lines: readonly string[]): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'EACCES') resolve({ kind: 'missing' });
      else reject(error);
    });
    child.once('close', (status) => resolve({ kind: 'ended', status, lines }));
  });
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    if (HAS_GROUPS) process.kill(-child.pid, 'SIGKILL');
    else child.kill('SIGKILL');
  } catch {
    // It has just ended.
  }
}
