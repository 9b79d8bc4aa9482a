import { alternate } from '../measure/alternate.ts';
import { createRequest, grpcTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = [1, 16, 64];
/** What a bare echo is written with, and the share of its throughput to keep with several connections. */
const ECHOES = [
  { name: 'grpc-js echo', baseline: 'grpc-echo', goal: 0.7 },
  { name: 'node:http2 echo', baseline: 'http2-echo', goal: 0.85 },
] as const;

export const grpcIdentity: Scenario = {
  name: 'grpc-identity',
  question:
    'What does Nereid add to a call? Identity model, FP32 [16], beside servers that echo the message: one by grpc-js, one on bare node:http2.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    const request = createRequest(IDENTITY, [16]);
    const subject = grpcTarget(nereid.grpcAddress, request);
    for (const { name, baseline, goal } of ECHOES) {
      await using echo = await startBaseline(baseline);
      const base = grpcTarget(`127.0.0.1:${echo.port}`, request);
      for (const connections of CONNECTIONS) {
        const figure = await alternate({
          ...rounds,
          scenario: grpcIdentity.name,
          name: `gRPC identity to ${name}, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
          base: { name, load: (seconds) => loads.grpc.run(base, { connections, seconds }) },
          subject: { name: 'Nereid', load: (seconds) => loads.grpc.run(subject, { connections, seconds }) },
          ...(connections > 1 && { goal }),
        });
        report(figure);
      }
    }
  },
};
