import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { pinnedTo } from '../process/pinned-cores.ts';
import type { Tool } from './find-tool.ts';

const execute = promisify(execFile);
const MAX_OUTPUT = 256 * 2 ** 20;

/** How to run a tool. */
export interface ToolOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutSeconds?: number;
  /** On which cores, as `taskset` takes them. Default: any. */
  readonly cores?: string | undefined;
  /** Statuses besides 0 that are no failure. */
  readonly otherStatuses?: readonly number[];
}

/**
 * Runs a tool to its end.
 *
 * @throws Error with what it wrote when it fails or takes too long.
 */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  { environment = {}, timeoutSeconds = 60, cores, otherStatuses = [] }: ToolOptions = {},
): Promise<string> {
  const pinned = pinnedTo(cores, { command: tool.path, args });
  try {
    const { stdout, stderr } = await execute(pinned.command, [...pinned.args], {
      env: { ...process.env, ...tool.environment, ...environment },
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
