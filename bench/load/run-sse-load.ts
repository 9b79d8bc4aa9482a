import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { pinnedTo, splitOwnCores } from '../process/pinned-cores.ts';
import type { SseLoad, SseResults } from './sse-load.ts';

const MAIN = fileURLToPath(new URL('sse-load-main.ts', import.meta.url));

/**
 * Puts streams on a server from another process, so that who measures is not what is measured.
 *
 * @throws Error when a stream failed.
 */
export async function runSseLoadProcess<L extends SseLoad>(load: L): Promise<SseResults[L['kind']]> {
  const args = [MAIN, JSON.stringify(load)];
  const pinned = pinnedTo(splitOwnCores()?.load, { command: process.execPath, args });
  const child = spawn(pinned.command, pinned.args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)]);
  if (output === '') throw new Error(`the load ended without a result: ${errors.slice(-2000)}`);
  return JSON.parse(output) as SseResults[L['kind']];
}
