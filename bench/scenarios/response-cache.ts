import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addCachedIdentity, addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const CACHED = 'cached';
const GOAL = 0.8;

export const responseCache: Scenario = {
  name: 'response-cache',
  question: 'What does an answer out of the cache cost? Beside the identity model, FP32 [16], over HTTP.',
  isInQuick: false,
  run: async (context) => {
    const repository = createRepository(context.directory);
    addIdentity(repository);
    addCachedIdentity(repository, CACHED);
    await using nereid = await startNereid(repository, ['--cache-config=local,size=1048576']);
    // All requests are the same: from the second one on they are hits.
    const subject = httpTarget(nereid.httpUrl, createRequest(CACHED, [16]));
    const base = httpTarget(nereid.httpUrl, createRequest(IDENTITY, [16]));
    for (const connections of [16, 64]) {
      await compareUnderLoad(context, {
        scenario: responseCache.name,
        name: 'Response cache hit',
        connections,
        base: { name: 'identity', target: base },
        subject: { name: 'cached', target: subject },
        goal: GOAL,
      });
    }
  },
};
