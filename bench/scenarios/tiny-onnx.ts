import type { GrpcTarget, HttpTarget } from '../load/load.ts';
import { createRequest, grpcTarget, httpTarget } from '../models/infer-request.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startBaseline } from '../process/baseline.ts';
import { startNereid, type ServerAddress } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const MODEL = 'affine';
const REQUEST = createRequest(MODEL, [1, 16]);

/** How the model is asked, beside which bare server, and over how many connections in the quick form. */
interface Way {
  readonly name: string;
  readonly baseline: 'http-echo' | 'http2-echo';
  readonly quickConnections: readonly number[];
  targetAt(server: ServerAddress): HttpTarget | GrpcTarget;
}

const WAYS: readonly Way[] = [
  {
    name: 'HTTP tiny ONNX',
    baseline: 'http-echo',
    quickConnections: [64],
    targetAt: ({ httpUrl }) => httpTarget(httpUrl, REQUEST),
  },
  {
    name: 'HTTP tiny ONNX in JSON',
    baseline: 'http-echo',
    quickConnections: [],
    targetAt: ({ httpUrl }) => httpTarget(httpUrl, REQUEST, 'json'),
  },
  {
    name: 'gRPC tiny ONNX',
    baseline: 'http2-echo',
    quickConnections: [16],
    targetAt: ({ grpcAddress }) => grpcTarget(grpcAddress, REQUEST),
  },
];

export const tinyOnnx: Scenario = {
  name: 'tiny-onnx',
  question:
    'What does Nereid add when there is a model to run? ONNX model y = 2x + 1, FP32 [1, 16], batched dynamically, beside bare servers that echo the request.',
  isInQuick: true,
  run: async (context) => {
    const { directory, isQuick } = context;
    const repository = createRepository(directory);
    addAffine(repository, MODEL);
    await using nereid = await startNereid(repository);
    for (const { name, baseline, quickConnections, targetAt } of WAYS) {
      await using echo = await startBaseline(baseline);
      for (const connections of isQuick ? quickConnections : [1, 16, 64]) {
        await compareUnderLoad(context, {
          scenario: tinyOnnx.name,
          name,
          connections,
          base: { name: echo.name, target: targetAt(echo) },
          subject: { name: 'Nereid', target: targetAt(nereid) },
        });
      }
    }
  },
};
