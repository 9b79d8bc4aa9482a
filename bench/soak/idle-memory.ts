import { setTimeout as wait } from 'node:timers/promises';
import { createRepository } from '../models/model-repository.ts';
import { interpreterFlag } from '../models/python-models.ts';
import { startNereid, type RunningServer } from '../process/nereid.ts';
import { startTriton } from '../process/triton.ts';
import { memoryOf, type ServerMemory } from './server-memory.ts';
import { addPythonModels } from './soak-models.ts';

const IDLE_MS = 10_000;

/** Of servers with the same two models. */
export interface IdleMemory {
  readonly nereid: ServerMemory;
  /** Absent: there was none to compare with. */
  readonly triton?: ServerMemory;
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
  const nereid = await idleMemory(() => startNereid(repository, [interpreterFlag(interpreter)]));
  if (environment === undefined) return { nereid };
  return { nereid, triton: await idleMemory(() => startTriton(environment, repository, directory)) };
}

async function idleMemory(start: () => Promise<RunningServer>): Promise<ServerMemory> {
  await using server = await start();
  await wait(IDLE_MS);
  return memoryOf(server.pid);
}
