import { alternate } from '../measure/alternate.ts';
import { createRequest, grpcTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = [1, 16, 64];

export const grpcTransport: Scenario = {
  name: 'grpc-transport',
  question:
    'What does gRPC of our own bring? Identity model, FP32 [16], `--grpc-transport=http2` beside `grpc-js`.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    await using library = await startNereid(repository, ['--grpc-transport=grpc-js']);
    await using own = await startNereid(repository, ['--grpc-transport=http2']);
    const request = createRequest(IDENTITY, [16]);
    const base = grpcTarget(library.grpcAddress, request);
    const subject = grpcTarget(own.grpcAddress, request);
    for (const connections of CONNECTIONS) {
      const figure = await alternate({
        ...rounds,
        scenario: grpcTransport.name,
        name: `gRPC transport, ${connections} ${connections === 1 ? 'connection' : 'connections'}`,
        base: { name: 'grpc-js', load: (seconds) => loads.grpc.run(base, { connections, seconds }) },
        subject: { name: 'node:http2', load: (seconds) => loads.grpc.run(subject, { connections, seconds }) },
      });
      report(figure);
    }
  },
};
