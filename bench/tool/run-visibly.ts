import { spawnSync } from 'node:child_process';
import { print } from '../report/print.ts';

const LIMIT_MS = 20 * 60_000;

/** Where a command runs. */
interface CommandPlace {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/**
 * Runs a command of a set-up to its end; what it writes goes to the terminal, as its progress.
 *
 * @throws Error when it cannot be started, fails, or takes more than twenty minutes.
 */
export function runVisibly(
  command: string,
  args: readonly string[],
  { folder, environment = {} }: CommandPlace,
): void {
  print(`$ ${command} ${args.join(' ')}`);
  const { status, signal, error } = spawnSync(command, args, {
    cwd: folder,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: LIMIT_MS,
  });
  if (error !== undefined) throw new Error(`${command} cannot be run: ${error.message}`);
  if (status !== 0) throw new Error(`${command} ended with ${signal ?? `status ${status}`}`);
}
