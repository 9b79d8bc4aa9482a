import { readFileSync } from 'node:fs';
import { isExecutable } from '../tool/find-tool.ts';

const TASKSET = '/usr/bin/taskset';
/** With fewer cores a server would miss those of the load generator, which idles while the server works. */
const FEWEST_CORES = 4;

/** Cores for servers and for who loads them, as `taskset` takes them. */
export interface CoreSplit {
  readonly servers: string;
  readonly load: string;
}

/** A program and its arguments. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** The last quarter of the cores for the load, the others for servers; undefined where there are too few. */
export function splitCores(cores: readonly number[]): CoreSplit | undefined {
  if (cores.length < FEWEST_CORES) return undefined;
  const first = cores.length - Math.floor(cores.length / 4);
  return { servers: cores.slice(0, first).join(','), load: cores.slice(first).join(',') };
}

/** What this machine gives; undefined where cores cannot be pinned or are too few. */
export function splitOwnCores(): CoreSplit | undefined {
  if (process.platform !== 'linux' || !isExecutable(TASKSET)) return undefined;
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  return splitCores(parseCores(allowed ?? ''));
}

/** The command on these cores alone; as it is without cores. */
export function pinnedTo(cores: string | undefined, line: CommandLine): CommandLine {
  if (cores === undefined) return line;
  return { command: TASKSET, args: ['--cpu-list', cores, line.command, ...line.args] };
}

/** `0-2,5` as 0, 1, 2, 5. */
export function parseCores(list: string): readonly number[] {
  return list
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}
