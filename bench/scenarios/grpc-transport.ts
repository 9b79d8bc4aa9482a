import { createRequest, grpcTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = [1, 16, 64];

export const grpcTransport: Scenario = {
  name: 'grpc-transport',
  question:
    'What does gRPC of our own bring? Identity model, FP32 [16], `--grpc-transport=http2` beside `grpc-js`.',
  isInQuick: false,
  run: async (context) => {
    const repository = createRepository(context.directory);
    addIdentity(repository);
    await using library = await startNereid(repository, ['--grpc-transport=grpc-js']);
    await using own = await startNereid(repository, ['--grpc-transport=http2']);
    const request = createRequest(IDENTITY, [16]);
    const base = grpcTarget(library.grpcAddress, request);
    const subject = grpcTarget(own.grpcAddress, request);
    for (const connections of CONNECTIONS) {
      await compareUnderLoad(context, {
        scenario: grpcTransport.name,
        name: 'gRPC transport',
        connections,
        base: { name: 'grpc-js', target: base },
        subject: { name: 'http2', target: subject },
      });
    }
  },
};
