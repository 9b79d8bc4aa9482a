import { join } from 'node:path';
import { createRequest, grpcTarget, httpTarget } from '../models/infer-request.ts';
import { createRepository } from '../models/model-repository.ts';
import { addPythonModel, findPython, interpreterFlag, PYTHON_MODELS } from '../models/python-models.ts';
import { startNereid, type RunningServer, type ServerAddress } from '../process/nereid.ts';
import { startTriton } from '../process/triton.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

/** One line of the comparison. */
interface Cell {
  readonly protocol: 'HTTP' | 'gRPC';
  readonly connections: number;
  /** Elements of the tensor, FP32. */
  readonly length: number;
  readonly what: string;
  readonly goal: number;
}

const SMALL = { length: 16, what: 'FP32 [16]' };
const LARGE = { length: 4 << 20, what: '16 MiB' };

const CELLS: readonly Cell[] = [
  ...[1, 16, 64].map((connections) => ({ protocol: 'HTTP' as const, connections, ...SMALL, goal: 1.5 })),
  ...[1, 16, 64].map((connections) => ({ protocol: 'gRPC' as const, connections, ...SMALL, goal: 1.3 })),
  ...[1, 4].map((connections) => ({ protocol: 'HTTP' as const, connections, ...LARGE, goal: 2 })),
];

export const pythonTriton: Scenario = {
  name: 'python-triton',
  question: 'How does the Python backend compare with that of Triton? The same identity model.py in both.',
  isInQuick: false,
  run: async (context) => {
    const { triton: environment, directory, note } = context;
    if (environment === undefined) {
      note('python-triton was left out: it runs with --triton.');
      return;
    }
    const interpreter = findPython() ?? join(environment, 'bin', 'python');
    const repository = createRepository(directory);
    addPythonModel(repository, 'identity');
    await using nereid = await startNereid(repository, [interpreterFlag(interpreter)]);
    await using triton = await startTriton(environment, repository, directory);
    for (const cell of CELLS) await compare(context, cell, { nereid, triton });
  },
};

async function compare(
  context: BenchContext,
  { protocol, connections, length, what, goal }: Cell,
  { nereid, triton }: { readonly nereid: RunningServer; readonly triton: RunningServer },
): Promise<void> {
  const request = createRequest(PYTHON_MODELS.identity, [length]);
  const targetAt = ({ httpUrl, grpcAddress }: ServerAddress) =>
    protocol === 'gRPC' ? grpcTarget(grpcAddress, request) : httpTarget(httpUrl, request);
  await compareUnderLoad(context, {
    scenario: pythonTriton.name,
    name: `Python identity, ${protocol}, ${what}`,
    connections,
    base: { name: 'Triton', target: targetAt(triton) },
    subject: { name: 'Nereid', target: targetAt(nereid) },
    goal,
  });
}
