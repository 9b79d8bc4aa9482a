import { alternate } from '../measure/alternate.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addCachedIdentity, addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const CACHED = 'cached';
const GOAL = 0.8;

export const responseCache: Scenario = {
  name: 'response-cache',
  question: 'What does an answer out of the cache cost? Beside the identity model, FP32 [16], over HTTP.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    addCachedIdentity(repository, CACHED);
    await using nereid = await startNereid(repository, ['--cache-config=local,size=1048576']);
    // All requests are the same: from the second one on they are hits.
    const subject = httpTarget(nereid.httpUrl, createRequest(CACHED, [16]));
    const base = httpTarget(nereid.httpUrl, createRequest(IDENTITY, [16]));
    for (const connections of [16, 64]) {
      const figure = await alternate({
        ...rounds,
        scenario: responseCache.name,
        name: `Response cache hit, ${connections} connections`,
        base: { name: 'identity', load: (seconds) => loads.http.run(base, { connections, seconds }) },
        subject: { name: 'cached', load: (seconds) => loads.http.run(subject, { connections, seconds }) },
        goal: GOAL,
      });
      report(figure);
    }
  },
};
