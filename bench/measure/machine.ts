import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

/** Where figures were taken. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly system: string;
  readonly node: string;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${release()} ${arch()}`,
    node: process.version,
  };
}

/** What a reader has to know when others use the machine, too; undefined when it idles. */
export function noteIfBusy({ cores }: Machine, load: number = loadavg()[0] ?? 0): string | undefined {
  if (load < cores / 2) return undefined;
  return `The machine was busy when this began (a load of ${load.toFixed(1)} on ${cores} cores): its figures mean little.`;
}
