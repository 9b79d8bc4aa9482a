import { alternate } from '../measure/alternate.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addAffine, addIdentity, createRepository, IDENTITY } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 64;

export const dynamicBatching: Scenario = {
  name: 'dynamic-batching',
  question:
    'What do the batcher, the way to the executor thread and ONNX Runtime cost? Tiny ONNX model beside the identity model, over HTTP.',
  run: async ({ loads, rounds, directory, report }) => {
    const repository = createRepository(directory);
    addIdentity(repository);
    addAffine(repository, 'affine');
    await using nereid = await startNereid(repository);
    const base = httpTarget(nereid.httpUrl, createRequest(IDENTITY, [16]));
    const subject = httpTarget(nereid.httpUrl, createRequest('affine', [1, 16]));
    const shape = { connections: CONNECTIONS };
    const figure = await alternate({
      ...rounds,
      scenario: dynamicBatching.name,
      name: `Dynamic-batched ONNX, ${CONNECTIONS} connections`,
      base: { name: 'identity model', load: (seconds) => loads.http.run(base, { ...shape, seconds }) },
      subject: {
        name: 'ONNX model y = 2x + 1',
        load: (seconds) => loads.http.run(subject, { ...shape, seconds }),
      },
      goal: 0.6,
    });
    report(figure);
  },
};
