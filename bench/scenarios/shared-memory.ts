import { HttpClient } from '@nereid/client';
import { loadSharedMemory, type SharedMemoryRegion } from '@nereid/shared-memory';
import { createRequest, httpTarget, withSharedMemory } from '../models/infer-request.ts';
import { addAffine, addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const ELEMENTS = 4 << 20;
const BYTE_SIZE = ELEMENTS * Float32Array.BYTES_PER_ELEMENT;
const REGION = 'bench';
const ONNX = 'affine';

export const sharedMemory: Scenario = {
  name: 'shared-memory',
  question:
    'What does system shared memory save? FP32 tensors of 16 MiB in and out, in a region and in the HTTP body, of one server.',
  isInQuick: false,
  run: async (context) => {
    const repository = createRepository(context.directory);
    addIdentity(repository);
    addAffine(repository, ONNX);
    const memory = loadSharedMemory();
    const key = `/nereid-bench-${process.pid}`;
    using region = memory.create(key, 2 * BYTE_SIZE);
    try {
      await using nereid = await startNereid(repository, ['--allow-client-shm=true']);
      await register(nereid.httpUrl, key, region);
      await compare(context, nereid.httpUrl, { model: IDENTITY, shape: [ELEMENTS], goal: 5 });
      await compare(context, nereid.httpUrl, { model: ONNX, shape: [1, ELEMENTS] });
    } finally {
      memory.unlink(key);
    }
  },
};

async function register(url: string, key: string, { byteSize }: SharedMemoryRegion): Promise<void> {
  const client = new HttpClient(url);
  await client.registerSystemSharedMemory({ name: REGION, key, byteSize });
  await client.close();
}

interface Subject {
  readonly model: string;
  readonly shape: readonly number[];
  readonly goal?: number;
}

async function compare(context: BenchContext, url: string, { model, shape, goal }: Subject): Promise<void> {
  const request = createRequest(model, shape);
  await compareUnderLoad(context, {
    scenario: sharedMemory.name,
    name: `16 MiB in and out, model ${model}`,
    connections: 1,
    base: { name: 'HTTP body', target: httpTarget(url, request) },
    subject: { name: 'shared memory', target: httpTarget(url, withSharedMemory(request, REGION)) },
    goal,
  });
}
