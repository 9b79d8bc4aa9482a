import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const MAX_OUTPUT = 256 * 2 ** 20;

/** The path of a program: the one that the environment variable names, or the first on PATH. */
export function findTool(name: string, variable: string): string | undefined {
  const named = process.env[variable];
  if (named !== undefined && named !== '') return named;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name);
    if (isExecutable(path)) return path;
  }
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** How to run a tool. */
export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** Statuses besides 0 that are no failure. */
  readonly otherStatuses?: readonly number[];
}

/**
 * Runs a tool to its end.
 *
 * @throws Error with what it wrote when it fails or takes too long.
 */
export async function runTool(
  path: string,
  args: readonly string[],
  { environment = {}, timeoutSeconds = 60, otherStatuses = [] }: ToolOptions = {},
): Promise<string> {
  try {
    const { stdout, stderr } = await execute(path, [...args], {
      env: { ...process.env, ...environment },
      timeout: timeoutSeconds * 1000,
      maxBuffer: MAX_OUTPUT,
    });
    return stdout === '' ? stderr : stdout;
  } catch (error) {
    if (isToolFailure(error)) {
      const written = error.stdout === '' ? error.stderr : error.stdout;
      if (typeof error.code === 'number' && otherStatuses.includes(error.code)) return written;
    }
    throw error;
  }
}

interface ToolFailure {
  readonly code: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

function isToolFailure(error: unknown): error is ToolFailure {
  return error instanceof Error && 'code' in error && 'stdout' in error && 'stderr' in error;
}
