import { setTimeout as wait } from 'node:timers/promises';
import { loadOf } from '../measure/alternate.ts';
import { valueFigure } from '../measure/figure.ts';
import { createRequest, httpTarget } from '../models/infer-request.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import { underLoad } from './compare-under-load.ts';
import type { BenchContext, Scenario } from './scenario.ts';

const MODEL = 'affine';
const IDLE_SECONDS = 5;
const LOAD_SECONDS = 10;

export const memory: Scenario = {
  name: 'memory',
  question: `What does a server hold when it idles, and after ${LOAD_SECONDS} s of load?`,
  isInQuick: false,
  run: async (context) => {
    await measureEmpty(context);
    await measureLoaded(context);
  },
};

async function measureEmpty({ directory, report }: BenchContext): Promise<void> {
  await using nereid = await startNereid(createRepository(directory));
  const values = [await idleMegabytes(nereid.pid)];
  report(valueFigure({ scenario: memory.name, name: 'Idle memory, empty', unit: 'MB', values, goal: 120 }));
}

async function measureLoaded({ loads, directory, report }: BenchContext): Promise<void> {
  const scenario = memory.name;
  const repository = createRepository(directory);
  addAffine(repository, MODEL);
  await using nereid = await startNereid(repository);
  const before = [await idleMegabytes(nereid.pid)];
  report(valueFigure({ scenario, name: 'Idle memory, one ONNX model', unit: 'MB', values: before }));
  const target = httpTarget(nereid.httpUrl, createRequest(MODEL, [1, 16]));
  await loadOf(underLoad(loads, { name: 'Nereid', target }, 64), LOAD_SECONDS);
  const after = [await idleMegabytes(nereid.pid)];
  report(valueFigure({ scenario, name: 'Memory after load, one ONNX model', unit: 'MB', values: after }));
}

/** What the process holds when it had some time to itself. */
async function idleMegabytes(pid: number): Promise<number> {
  await wait(IDLE_SECONDS * 1000);
  return residentMegabytes(pid);
}
