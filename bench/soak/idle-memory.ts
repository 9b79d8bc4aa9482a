import { setTimeout as wait } from 'node:timers/promises';
import { createRepository } from '../models/model-repository.ts';
import { interpreterFlag } from '../models/python-models.ts';
import { startNereid, type RunningServer } from '../process/nereid.ts';
import { sizesOfTree } from '../process/process-tree.ts';
import { startTriton } from '../process/triton.ts';
import { addPythonModels } from './soak-models.ts';

const IDLE_MS = 10_000;

/** Resident megabytes of idle servers with the same two Python models, their processes included. */
export interface IdleMemory {
  readonly nereid: number;
  /** Absent: there was none to compare with. */
  readonly triton?: number;
}

/** Where the servers lie, and what runs their models. */
export interface IdleOptions {
  /** For what they need for a while. */
  readonly directory: string;
  /** Python with numpy, for Nereid. */
  readonly interpreter: string;
  /** Of a Triton, as `startTriton` takes it; undefined: none. */
  readonly environment: string | undefined;
}

export async function measureIdle({ directory, interpreter, environment }: IdleOptions): Promise<IdleMemory> {
  const repository = createRepository(directory);
  addPythonModels(repository);
  const nereid = await idleMegabytes(() => startNereid(repository, [interpreterFlag(interpreter)]));
  if (environment === undefined) return { nereid };
  return { nereid, triton: await idleMegabytes(() => startTriton(environment, repository, directory)) };
}

async function idleMegabytes(start: () => Promise<RunningServer>): Promise<number> {
  await using server = await start();
  await wait(IDLE_MS);
  return sizesOfTree(server.pid).reduce((sum, { megabytes }) => sum + megabytes, 0);
}
