import type { MemoryCgroup } from './memory-cgroup.ts';

/** How a process ended, as the operating system has it. */
export interface ProcessEnd {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why the server ended it; undefined: it did not. */
  readonly killedBecause: string | undefined;
  /** That of the process, opened when it was started; undefined: not known. */
  readonly cgroup: Pick<MemoryCgroup, 'hasKilled' | 'describeLimit'> | undefined;
  /** The last lines that it wrote to its standard error output. */
  readonly lastLines: readonly string[];
}

const HINTS: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: "by a user or the kernel's OOM killer, see dmesg",
  SIGSEGV: 'a fault in native code',
  SIGBUS: 'a fault in native code, or shared memory is full',
  SIGABRT: 'native code gave up',
  SIGILL: 'native code made for another processor',
};

/** What is said about a process that ended, behind its name. */
export function describeEnd({ status, signal, killedBecause, cgroup, lastLines }: ProcessEnd): string {
  const words = lastLines.length === 0 ? '' : `; its last words: ${lastLines.join(' | ')}`;
  if (killedBecause !== undefined) return `was killed: ${killedBecause}`;
  if (signal === null) return `ended with status ${status ?? 'unknown'}${words}`;
  const hint = signal === 'SIGKILL' && cgroup !== undefined ? describeKill(cgroup) : HINTS[signal];
  return `was ended by ${signal}${hint === undefined ? '' : ` (${hint})`}${words}`;
}

function describeKill(cgroup: NonNullable<ProcessEnd['cgroup']>): string {
  if (!cgroup.hasKilled) return "by a user or another program, not by the kernel's OOM killer";
  const limit = cgroup.describeLimit();
  const rule = limit === undefined ? 'the machine had no memory left' : `the limit of its cgroup is ${limit}`;
  return `by the kernel's OOM killer: ${rule}; give it more, or the model a MEMORY_LIMIT_BYTES below it`;
}
