import { setTimeout as wait } from 'node:timers/promises';
import { valueFigure } from '../measure/figure.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import { compareUnderLoad } from './compare-under-load.ts';
import type { Scenario } from './scenario.ts';

const COUNT = 1000;
const ASKED = 'model_500';

export const manyModels: Scenario = {
  name: 'many-models',
  question: `What do ${COUNT} tiny ONNX models cost: to load, in memory, and in the speed of one of them?`,
  isInQuick: false,
  run: async (context) => {
    const { directory, report } = context;
    const scenario = manyModels.name;
    const many = createRepository(directory);
    for (let index = 0; index < COUNT; index += 1) addAffine(many, `model_${index}`);
    const one = createRepository(directory);
    addAffine(one, ASKED);

    await using full = await startNereid(many);
    report(
      valueFigure({
        scenario,
        name: `${COUNT} models, start to ready`,
        unit: 'ms',
        values: [full.readyMs],
        goal: 3000,
      }),
    );
    await wait(2000);
    report(
      valueFigure({
        scenario,
        name: `${COUNT} models, memory`,
        unit: 'MB',
        values: [residentMegabytes(full.pid)],
        goal: 400,
      }),
    );

    await using single = await startNereid(one);
    const request = createRequest(ASKED, [1, 16]);
    const base = httpTarget(single.httpUrl, request);
    const subject = httpTarget(full.httpUrl, request);
    await compareUnderLoad(context, {
      scenario,
      name: `One model among ${COUNT}`,
      connections: 16,
      base: { name: 'the only model', target: base },
      subject: { name: `one of ${COUNT}`, target: subject },
    });
  },
};
