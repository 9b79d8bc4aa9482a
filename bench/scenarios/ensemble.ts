import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addIdentity, addIdentityChain, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const CHAIN = 'chain';
/** One connection shows the latency, which may be 3.2 times that of one model; many the throughput. */
const GOALS: readonly (readonly [connections: number, goal: number])[] = [
  [1, 1 / 3.2],
  [64, 0.3],
];

export const ensemble: Scenario = {
  name: 'ensemble',
  question:
    'What do the steps of an ensemble cost? Three identity models in a row beside one, FP32 [16], over HTTP.',
  isInQuick: false,
  run: async (context) => {
    const repository = createRepository(context.directory);
    addIdentity(repository);
    addIdentityChain(repository, CHAIN, 3);
    await using nereid = await startNereid(repository);
    const base = httpTarget(nereid.httpUrl, createRequest(IDENTITY, [16]));
    const subject = httpTarget(nereid.httpUrl, createRequest(CHAIN, [16]));
    for (const [connections, goal] of GOALS) {
      await compareUnderLoad(context, {
        scenario: ensemble.name,
        name: 'Ensemble of three',
        connections,
        base: { name: 'identity', target: base },
        subject: { name: 'ensemble of three', target: subject },
        goal,
      });
    }
  },
};
