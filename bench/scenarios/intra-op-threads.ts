import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addMeasuredOnnx, CNN, MLP } from '../models/measured-onnx.ts';
import { createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const CONNECTIONS = 16;

export const intraOpThreads: Scenario = {
  name: 'intra-op-threads',
  question:
    'Is the default of intra-op threads right, also with several instances? ONNX models as they are beside the same with one thread for an operator, over HTTP.',
  isInQuick: false,
  run: async (context) => {
    for (const model of [MLP, CNN]) {
      for (const instances of [1, 2, 4]) {
        const repository = createRepository(context.directory);
        addMeasuredOnnx(repository, 'default', model, { instances });
        addMeasuredOnnx(repository, 'one_thread', model, { instances, intraOpThreads: 1 });
        await using nereid = await startNereid(repository);
        const side = (name: string, modelName: string) => ({
          name,
          target: httpTarget(nereid.httpUrl, createRequest(modelName, [1, ...model.inputDims])),
        });
        await compareUnderLoad(context, {
          scenario: intraOpThreads.name,
          name: `${model.title}, ${instances} ${instances === 1 ? 'instance' : 'instances'}`,
          connections: CONNECTIONS,
          base: side('one intra-op thread', 'one_thread'),
          subject: side('default', 'default'),
        });
      }
    }
  },
};
