import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HttpTarget, LoadGenerator } from './load.ts';
import { findTool, runTool } from './run-tool.ts';

const SCRIPT = fileURLToPath(new URL('./wrk-post.lua', import.meta.url));

/** What the script writes in its last line. */
interface WrkResult {
  readonly count: number;
  readonly microseconds: number;
  readonly p50: number;
  readonly errors: number;
}

/** wrk with one thread; undefined where it is not installed. Seconds are whole ones. */
export async function createWrk(directory: string): Promise<LoadGenerator<HttpTarget> | undefined> {
  const path = findTool('wrk', 'NEREID_WRK');
  if (path === undefined) return undefined;
  const version = /^wrk \S+/.exec(await runTool(path, ['-v'], { otherStatuses: [1] }))?.[0] ?? 'wrk';
  return {
    name: version,
    run: async ({ url, headers, body }, { connections, seconds }) => {
      const bodyFile = join(directory, 'wrk-body.bin');
      writeFileSync(bodyFile, body);
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
      const flags = ['-t1', `-c${connections}`, `-d${Math.ceil(seconds)}s`, '-s', SCRIPT, url];
      const environment = { BENCH_BODY: bodyFile, BENCH_HEADERS: lines.join('\n') };
      const output = await runTool(path, flags, { environment });
      const result = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as WrkResult;
      const requestsPerSecond = (result.count / result.microseconds) * 1e6;
      return { requestsPerSecond, p50Us: result.p50, errors: result.errors };
    },
  };
}
