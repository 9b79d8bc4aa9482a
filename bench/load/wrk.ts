import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpTarget, LoadGenerator } from './load.ts';
import { splitOwnCores } from '../process/pinned-cores.ts';
import type { Tool } from '../tool/find-tool.ts';
import { runTool } from '../tool/run-tool.ts';

const SCRIPT = fileURLToPath(new URL('./wrk-post.lua', import.meta.url));

/** What the script writes in its last line. */
interface WrkResult {
  readonly count: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly errors: number;
}

/** wrk with one thread. Seconds are whole ones. */
export async function createWrk(wrk: Tool, directory: string): Promise<LoadGenerator<HttpTarget>> {
  const version = /^wrk \S+/.exec(await runTool(wrk, ['-v'], { otherStatuses: [1] }))?.[0] ?? 'wrk';
  const cores = splitOwnCores()?.load;
  return {
    name: version,
    run: async ({ url, headers, body }, { connections, seconds }) => {
      const bodyFile = join(directory, 'wrk-body.bin');
      writeFileSync(bodyFile, body);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const flags = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '-s', SCRIPT, url];
      const environment = { BENCH_BODY: bodyFile, BENCH_HEADERS: lines.join('\n') };
      const output = await runTool(wrk, flags, { environment, cores });
      const result = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as WrkResult;
      const requestsPerSecond = (result.count / result.microseconds) * 1e6;
      return { requestsPerSecond, p50Us: result.p50, errors: result.errors };
    },
  };
}
