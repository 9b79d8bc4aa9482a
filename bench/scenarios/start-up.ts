import { execFileSync } from 'node:child_process';
import { valueFigure } from '../measure/figure.ts';
import { addAffine, createRepository } from '../models/model-repository.ts';
import { startNereid } from '../process/nereid.ts';
import type { Scenario } from './scenario.ts';

export const startUp: Scenario = {
  name: 'start-up',
  question: 'How soon is a server ready?',
  isInQuick: true,
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
