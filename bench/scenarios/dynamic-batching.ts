import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addAffine, addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

export const dynamicBatching: Scenario = {
  name: 'dynamic-batching',
  question:
    'What do the batcher, the way to the executor thread and ONNX Runtime cost? Tiny ONNX model beside the identity model, over HTTP.',
  isInQuick: false,
  run: async (context) => {
    const repository = createRepository(context.directory);
    addIdentity(repository);
    addAffine(repository, 'affine');
    await using nereid = await startNereid(repository);
    const base = httpTarget(nereid.httpUrl, createRequest(IDENTITY, [16]));
    const subject = httpTarget(nereid.httpUrl, createRequest('affine', [1, 16]));
    await compareUnderLoad(context, {
      scenario: dynamicBatching.name,
      name: 'Dynamic-batched ONNX',
      connections: 64,
      base: { name: 'identity model', target: base },
      subject: { name: 'ONNX model y = 2x + 1', target: subject },
      goal: 0.6,
    });
  },
};
