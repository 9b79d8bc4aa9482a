import { HttpClient } from '@nereid/client';
import { valueFigure } from '../measure/figure.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import type { Scenario } from './scenario.ts';

const MODEL = 'affine';
const FIRST_LOOK = 50;
const CYCLES = 200;

export const loadUnload: Scenario = {
  name: 'load-unload',
  question: `Does memory grow when an ONNX model is loaded and unloaded ${CYCLES} times?`,
  isInQuick: false,
  run: async ({ directory, report }) => {
    const scenario = loadUnload.name;
    const repository = createRepository(directory);
    addAffine(repository, MODEL);
    await using nereid = await startNereid(repository, ['--model-control-mode=explicit']);
    const client = new HttpClient(nereid.httpUrl);
    const times: number[] = [];
    await cycle(client, FIRST_LOOK, times);
    const early = residentMegabytes(nereid.pid);
    await cycle(client, CYCLES - FIRST_LOOK, times);
    const late = residentMegabytes(nereid.pid);
    await client.close();
    report(valueFigure({ scenario, name: 'Load and unload, time', unit: 'ms', values: times }));
    report(valueFigure({ scenario, name: `Memory after ${FIRST_LOOK} cycles`, unit: 'MB', values: [early] }));
    report(valueFigure({ scenario, name: `Memory after ${CYCLES} cycles`, unit: 'MB', values: [late] }));
    const name = `Memory, ${CYCLES} cycles to ${FIRST_LOOK}`;
    report(valueFigure({ scenario, name, unit: '×', values: [late / early], goal: 1.15 }));
  },
};

async function cycle(client: HttpClient, count: number, times: number[]): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const began = performance.now();
    await client.loadModel(MODEL);
    await client.unloadModel(MODEL);
    times.push(performance.now() - began);
  }
}
