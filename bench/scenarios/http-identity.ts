import { alternate } from '../measure/alternate.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const GOALS: readonly (readonly [connections: number, goal?: number])[] = [[1], [16, 0.6], [64, 0.6]];

export const httpIdentity: Scenario = {
  name: 'http-identity',
  question:
    'What does Nereid add to node:http? Identity model, FP32 [16], binary, beside a server that echoes the body.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    await using echo = await startBaseline('http-echo');
    const request = createRequest(IDENTITY, [16]);
    const subject = httpTarget(nereid.httpUrl, request);
    const base = httpTarget(`http://127.0.0.1:${echo.port}`, request);
    for (const [connections, goal] of GOALS) {
      const figure = await alternate({
        ...rounds,
        scenario: httpIdentity.name,
        name: `HTTP identity, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
        base: { name: 'node:http echo', load: (seconds) => loads.http.run(base, { connections, seconds }) },
        subject: { name: 'Nereid', load: (seconds) => loads.http.run(subject, { connections, seconds }) },
        ...(goal !== undefined && { goal }),
      });
      report(figure);
    }
  },
};
