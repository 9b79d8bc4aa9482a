import type { Results } from '../report/results.ts';

/** What of results says under which circumstances they were taken. */
export type Circumstances = Pick<Results, 'machine' | 'loadGenerators'>;

/**
 * What has to be the same for ratios to be comparable: processor, cores, system, and who made the load. Memory, and
 * the releases of the system, of Node and of the load generators may differ: both sides of a ratio had the same.
 */
export function machineKindOf({ machine, loadGenerators }: Circumstances): string {
  const system = machine.system.split(' ');
  return [
    machine.cpu,
    `${machine.cores} cores`,
    `${system.at(0)} ${system.at(-1)}`,
    `load by ${generatorOf(loadGenerators.http)} and ${generatorOf(loadGenerators.grpc)}`,
  ].join(', ');
}

/** Its name without its release. */
function generatorOf(name: string): string {
  return name.startsWith('own ') ? 'our own generator' : (name.split(' ')[0] ?? name);
}
