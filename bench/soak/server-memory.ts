import { sizesOfTree } from '../process/process-tree.ts';

/** Resident megabytes (10^6 bytes) of a server, and of the processes of its Python models, together. */
export interface ServerMemory {
  readonly server: number;
  readonly children: number;
}

export function memoryOf(pid: number): ServerMemory {
  const [own, ...others] = sizesOfTree(pid);
  const children = others.reduce((sum, { megabytes }) => sum + megabytes, 0);
  return { server: own?.megabytes ?? 0, children };
}

export function totalOf({ server, children }: ServerMemory): number {
  return server + children;
}
