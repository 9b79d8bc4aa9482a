/** The command `nereid`, started for real, for suites that look at the server from outside. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The command as `pnpm install` links it. */
export const NEREID = `${ROOT}node_modules/.bin/nereid`;

/** Further flags of every server, for a run of a suite on a server of another kind: `--front-threads=2`. */
const MORE_FLAGS = (process.env['NEREID_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');

const START_LIMIT_MS = 60_000;
const SERVING = /Nereid is serving: HTTP at port (\d+), gRPC at port (\d+), metrics at port (\d+)/;

/** A running `nereid serve`. Disposing of it stops it. */
export interface RunningServer extends AsyncDisposable {
  readonly process: ChildProcess;
  /** `http://127.0.0.1:<port>` */
  readonly http: string;
  /** `127.0.0.1:<port>` */
  readonly grpc: string;
  /** `http://127.0.0.1:<port>` */
  readonly metrics: string;
  /** Everything it has printed so far. */
  output(): string;
  /** Sends SIGTERM and gives the exit status; null when a signal ended it. */
  stop(): Promise<number | null>;
}

/**
 * Starts a server at free ports and waits until it serves.
 *
 * @throws Error with the server's output when it ends instead.
 */
export async function startServer(repository: string, ...flags: readonly string[]): Promise<RunningServer> {
  const child = spawnNereid([
    'serve',
    `--model-repository=${repository}`,
    '--http-port=0',
    '--grpc-port=0',
    '--metrics-port=0',
    ...MORE_FLAGS,
    ...flags,
  ]);
  const [, http, grpc, metrics] = await untilPrinted(child, SERVING);
  const stop = (): Promise<number | null> => {
    child.process.kill('SIGTERM');
    return child.exitStatus;
  };
  return {
    process: child.process,
    http: `http://127.0.0.1:${http}`,
    grpc: `127.0.0.1:${grpc}`,
    metrics: `http://127.0.0.1:${metrics}`,
    output: child.output,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** What a command that ended printed, and its exit status. */
export interface CommandResult {
  readonly status: number | null;
  readonly output: string;
}

/** Runs `nereid` until it ends by itself; one that does not within a minute is killed. */
export async function runNereid(...args: readonly string[]): Promise<CommandResult> {
  const child = spawnNereid(args);
  const limit = setTimeout(() => child.process.kill('SIGKILL'), START_LIMIT_MS);
  const status = await child.exitStatus;
  clearTimeout(limit);
  return { status, output: child.output() };
}

/** A command and what it prints. */
export interface SpawnedCommand {
  readonly process: ChildProcess;
  readonly exitStatus: Promise<number | null>;
  output(): string;
}

/** Starts `nereid`; whoever does ends it. */
export function spawnNereid(args: readonly string[]): SpawnedCommand {
  const child = spawn(NEREID, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const pieces: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (piece: string) => pieces.push(piece));
  }
  const exitStatus = once(child, 'close').then(() => child.exitCode);
  return { process: child, exitStatus, output: () => pieces.join('') };
}

function untilPrinted(
  { process: child, exitStatus, output }: SpawnedCommand,
  pattern: RegExp,
): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const limit = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the server did not start within ${START_LIMIT_MS} ms:\n${output()}`));
    }, START_LIMIT_MS);
    child.stdout?.on('data', () => {
      const match = pattern.exec(output());
      if (match === null) return;
      clearTimeout(limit);
      resolve(match);
    });
    void exitStatus.then((status) => {
      clearTimeout(limit);
      reject(new Error(`the server ended with status ${status}:\n${output()}`));
    });
  });
}
