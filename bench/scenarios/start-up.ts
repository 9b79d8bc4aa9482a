import { execFileSync } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { valueFigure } from '../measure/figure.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import { residentMegabytes } from '../process/resident-size.ts';
import type { Scenario } from './scenario.ts';

const IDLE_SECONDS = 5;

export const startUp: Scenario = {
  name: 'start-up',
  question: 'How soon is a server ready, and what does it hold when it idles?',
  run: async ({ isQuick, directory, report }) => {
    const scenario = startUp.name;
    const empty = createRepository(directory);
    const oneModel = createRepository(directory);
    addAffine(oneModel, 'affine');
    const runs = isQuick ? 3 : 10;
    const name = 'Start to ready';
    const unit = 'ms';
    report(valueFigure({ scenario, name: 'Node itself, start to end', unit, values: bareStarts(runs) }));
    await measureStart(empty);
    report(
      valueFigure({ scenario, name: `${name}, empty`, unit, values: await starts(empty, runs), goal: 250 }),
    );
    report(
      valueFigure({
        scenario,
        name: `${name}, one ONNX model`,
        unit,
        values: await starts(oneModel, runs),
        goal: 350,
      }),
    );
    for (const [what, repository, goal] of [
      ['empty', empty, 120],
      ['one ONNX model', oneModel, undefined],
    ] as const) {
      const values = [await idleMegabytes(repository)];
      report(
        valueFigure({
          scenario,
          name: `Idle memory, ${what}`,
          unit: 'MB',
          values,
          ...(goal !== undefined && { goal }),
        }),
      );
    }
  },
};

/** For scale: how long Node takes to do nothing. */
function bareStarts(runs: number): number[] {
  return Array.from({ length: runs }, () => {
    const started = performance.now();
    execFileSync(process.execPath, ['-e', '0']);
    return performance.now() - started;
  });
}

async function starts(repository: string, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) times.push(await measureStart(repository));
  return times;
}

async function measureStart(repository: string): Promise<number> {
  await using nereid = await startNereid(repository);
  return nereid.readyMs;
}

async function idleMegabytes(repository: string): Promise<number> {
  await using nereid = await startNereid(repository);
  await wait(IDLE_SECONDS * 1000);
  return residentMegabytes(nereid.pid);
}
