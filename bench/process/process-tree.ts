import { execFileSync } from 'node:child_process';

/** A process and what it holds. */
export interface ProcessSize {
  readonly pid: number;
  /** Resident memory in megabytes (10^6 bytes). Pages that processes share count in each. */
  readonly megabytes: number;
}

/** The resident sizes of a process and of all that it started, itself first; empty when it has ended. */
export function sizesOfTree(root: number): readonly ProcessSize[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,rss='], { encoding: 'utf8' });
  return treeOf(root, rows);
}

/** @param rows - Of `ps`: pid, parent and resident KiB of each process. */
export function treeOf(root: number, rows: string): readonly ProcessSize[] {
  const processes = rows
    .split('\n')
    .filter((row) => row.trim() !== '')
    .map((row) => row.trim().split(/\s+/).map(Number))
    .map(([pid = 0, parent = 0, kibibytes = 0]) => ({ pid, parent, megabytes: (kibibytes * 1024) / 1e6 }));
  const under = (pid: number): ProcessSize[] =>
    processes
      .filter(({ parent }) => parent === pid)
      .flatMap((child) => [{ pid: child.pid, megabytes: child.megabytes }, ...under(child.pid)]);
  const own = processes.find(({ pid }) => pid === root);
  return own === undefined ? [] : [{ pid: root, megabytes: own.megabytes }, ...under(root)];
}
