import { readFileSync } from 'node:fs';
import type { RunningServer } from '../server/start-server.ts';

/** What a check of scale found. A check throws where an answer was wrong or missing. */
export interface Finding {
  readonly what: string;
  readonly found: string;
}

/** Resident memory of a server in MB (10^6 bytes); NaN where there is no /proc. */
export function memoryOf({ process: { pid } }: RunningServer): number {
  if (process.platform !== 'linux') return NaN;
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return (Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024) / 1e6;
}

/** Median and the value that one of a hundred exceeds, of times in milliseconds. */
export function describeTimes(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? NaN).toFixed(1);
  return `median ${at(0.5)} ms, p99 ${at(0.99)} ms`;
}
