import { createRequest, grpcTarget, httpTarget } from '../models/infer-request.ts';
import { addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const ELEMENTS = 4 << 20;

export const largeTensors: Scenario = {
  name: 'large-tensors',
  question:
    'What does Nereid add when there is much to carry? Identity model, FP32 of 16 MiB in and out, beside servers that echo the bytes.',
  isInQuick: false,
  run: async (context) => {
    const { loads, directory, note } = context;
    const repository = createRepository(directory);
    addIdentity(repository);
    await using nereid = await startNereid(repository);
    const request = createRequest(IDENTITY, [ELEMENTS]);
    const scenario = largeTensors.name;
    await using echo = await startBaseline('http-echo');
    for (const connections of [1, 4]) {
      await compareUnderLoad(context, {
        scenario,
        name: 'HTTP identity of 16 MiB',
        connections,
        base: { name: echo.name, target: httpTarget(echo.httpUrl, request) },
        subject: { name: 'Nereid', target: httpTarget(nereid.httpUrl, request) },
      });
    }
    const target = grpcTarget(nereid.grpcAddress, request);
    if (target.message.length > (loads.grpc.maxByteSize ?? Infinity)) {
      note(`gRPC of 16 MiB was left out: ${loads.grpc.name} sends no messages of that size.`);
      return;
    }
    await using grpcEcho = await startBaseline('http2-echo');
    await compareUnderLoad(context, {
      scenario,
      name: 'gRPC identity of 16 MiB',
      connections: 1,
      base: { name: grpcEcho.name, target: grpcTarget(grpcEcho.grpcAddress, request) },
      subject: { name: 'Nereid', target },
    });
  },
};
