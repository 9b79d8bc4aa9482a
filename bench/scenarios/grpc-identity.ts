import { alternate } from '../measure/alternate.ts';
import { createRequest, grpcTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const GOALS: readonly (readonly [connections: number, goal?: number])[] = [[1], [16, 0.7], [64, 0.7]];

export const grpcIdentity: Scenario = {
  name: 'grpc-identity',
  question:
    'What does Nereid add to grpc-js? Identity model, FP32 [16], beside a server that echoes the message.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    await using echo = await startBaseline('grpc-echo');
    const request = createRequest(IDENTITY, [16]);
    const subject = grpcTarget(nereid.grpcAddress, request);
    const base = grpcTarget(`127.0.0.1:${echo.port}`, request);
    for (const [connections, goal] of GOALS) {
      const figure = await alternate({
        ...rounds,
        scenario: grpcIdentity.name,
        name: `gRPC identity, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
        base: { name: 'grpc-js echo', load: (seconds) => loads.grpc.run(base, { connections, seconds }) },
        subject: { name: 'Nereid', load: (seconds) => loads.grpc.run(subject, { connections, seconds }) },
        ...(goal !== undefined && { goal }),
      });
      report(figure);
    }
  },
};
