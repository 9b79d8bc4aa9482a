import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceServerError, type Backend, type ModelConfig } from '@nereid/backend-sdk';
import { createTestHost, type Init } from '@nereid/backend-sdk/testing';
import { pythonBackend } from '../../packages/backend-python/src/python-backend.ts';
import { ROOT } from '../server/start-server.ts';

/** A model of a Python-based backend, to be put on a GPU. */
export interface GpuModel {
  readonly backend: string;
  readonly interpreter: string;
  /** Folder of the model. */
  readonly directory: string;
  readonly config: Init<ModelConfig>;
}

/**
 * The error of a backend that is to run an instance on GPU 0. The backend runs without a server, which on a machine
 * without GPUs would be the one to refuse.
 *
 * @returns `loaded` when there is no error.
 */
export async function gpuError({ backend, interpreter, directory, config }: GpuModel): Promise<string> {
  const settings = { interpreter, requirements: 'ignore' };
  const host = await createTestHost(await openBackend(backend), { settings });
  const onGpu: Init<ModelConfig> = {
    ...config,
    instance_group: [{ kind: 'KIND_GPU', gpus: [0], count: 1 }],
  };
  try {
    await host.load({ config: onGpu, directory });
    return 'loaded';
  } catch (error) {
    return InferenceServerError.from(error).message;
  } finally {
    await host.close();
  }
}

async function openBackend(name: string): Promise<Backend> {
  const directory = join(ROOT, 'packages', `backend-${name}`);
  const { nereid } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) as {
    readonly nereid: { readonly backend: Readonly<Record<string, unknown>> };
  };
  const backend = await pythonBackend.createBackend?.({ name, directory, manifest: nereid.backend });
  if (backend === undefined) throw new Error(`backend 'python' makes no backend of ${directory}`);
  return backend;
}
