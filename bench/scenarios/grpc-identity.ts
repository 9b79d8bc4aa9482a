import { createRequest, grpcTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

/** What a bare echo is written with, and the share of its throughput to keep with several connections. */
const ECHOES = [
  { baseline: 'grpc-echo', goal: 0.7, isInQuick: false },
  { baseline: 'http2-echo', goal: 0.85, isInQuick: true },
] as const;

export const grpcIdentity: Scenario = {
  name: 'grpc-identity',
  question:
    'What does Nereid add to a call? Identity model, FP32 [16], beside servers that echo the message: one by grpc-js, one on bare node:http2.',
  isInQuick: true,
  run: async (context) => {
    const { directory, isQuick } = context;
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    const request = createRequest(IDENTITY, [16]);
    const subject = { name: 'Nereid', target: grpcTarget(nereid.grpcAddress, request) };
    for (const { baseline, goal } of ECHOES.filter(({ isInQuick }) => !isQuick || isInQuick)) {
      await using echo = await startBaseline(baseline);
      for (const connections of isQuick ? [16, 64] : [1, 16, 64]) {
        await compareUnderLoad(context, {
          scenario: grpcIdentity.name,
          name: `gRPC identity to ${echo.name}`,
          connections,
          base: { name: echo.name, target: grpcTarget(echo.grpcAddress, request) },
          subject,
          goal: connections > 1 ? goal : undefined,
        });
      }
    }
  },
};
