/**
 * Measures Nereid: `npm run bench [-- --quick] [-- --only=name] [-- --update] [-- --output=folder] [-- --triton[=folder]]`.
 *
 * A whole run writes docs/benchmarks; a quick or partial one writes tmp/benchmarks, unless it is to put its scenarios
 * in the place of those of the last whole run, which the page then says.
 */
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chooseLoadGenerators } from './load/choose-load.ts';
import { describeMachine, noteIfBusy } from './measure/machine.ts';
import type { MicroFigure } from './micro/micro-benchmark.ts';
import { runMicroBenchmarks } from './micro/run-micro.ts';
import { splitOwnCores } from './process/pinned-cores.ts';
import { formatSpread } from './report/format.ts';
import { print } from './report/print.ts';
import { mergeResults } from './report/merge-results.ts';
import { readResults, writeResults, type Results } from './report/results.ts';
import { FULL, QUICK, runScenarios } from './run-scenarios.ts';
import { SCENARIOS } from './scenarios/index.ts';
import { setUpTriton } from './tool/set-up-triton.ts';
import { runWithDirectory } from './with-directory.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MICRO = 'micro';

interface RunOptions {
  readonly isQuick: boolean;
  /** Names of scenarios; empty: all, or in the quick form those that belong to it. */
  readonly only: readonly string[];
  readonly output: string;
  /** Whether the scenarios take their place among those that the output has. */
  readonly isUpdate: boolean;
  /** Virtual environment with a Triton to compare with; empty: one is made. */
  readonly triton: string | undefined;
}

function parseOptions(): RunOptions {
  // An option with or without a value is nothing that parseArgs knows.
  const args = process.argv.slice(2).map((arg) => (arg === '--triton' ? '--triton=' : arg));
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      update: { type: 'boolean', default: false },
      output: { type: 'string' },
      triton: { type: 'string' },
    },
  });
  const names = [...SCENARIOS.map(({ name }) => name), MICRO];
  for (const name of values.only) {
    if (!names.includes(name))
      throw new Error(`--only: expected one of ${names.join(', ')}, found '${name}'`);
  }
  const { quick: isQuick, update: isUpdate, only, triton } = values;
  if (isUpdate && (isQuick || only.length === 0))
    throw new Error('--update: name scenarios by --only, without --quick');
  const isWhole = !isQuick && only.length === 0;
  const output = values.output ?? join(ROOT, isWhole || isUpdate ? 'docs' : 'tmp', 'benchmarks');
  return { isQuick, only, output, isUpdate, triton };
}

async function main(directory: string): Promise<void> {
  const { isQuick, only, output, isUpdate, triton } = parseOptions();
  const machine = describeMachine();
  const loads = await chooseLoadGenerators(directory);
  const environment = triton === '' ? setUpTriton() : triton;
  const rounds = isQuick ? QUICK : FULL;
  print(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; load: ${loads.http.name}, ${loads.grpc.name}`,
  );
  const before = [...loads.notes, noteIfPinned(), noteIfBusy(machine)].filter((note) => note !== undefined);
  for (const note of before) print(`! ${note}`);
  const scenarios = SCENARIOS.filter(({ name, isInQuick }) =>
    only.length === 0 ? isInQuick || !isQuick : only.includes(name),
  );
  const { figures, delayStudy, notes, failed } = await runScenarios({
    scenarios,
    loads,
    rounds,
    isQuick,
    directory,
    triton: environment,
  });
  if (failed.length > 0) process.exitCode = 1;
  const micro = only.length === 0 || only.includes(MICRO) ? await measureParts(isQuick) : [];
  const results: Results = {
    date: new Date().toISOString(),
    machine,
    loadGenerators: { http: loads.http.name, grpc: loads.grpc.name },
    rounds,
    notes: [...before, ...notes],
    figures,
    micro,
    delayStudy,
  };
  writeResults(output, isUpdate ? mergeResults(readResults(output), results) : results);
  print(`\nWritten to ${relative(ROOT, output)}.`);
}

function noteIfPinned(): string | undefined {
  const split = splitOwnCores();
  if (split === undefined) return undefined;
  return `Servers ran on cores ${split.servers}, wrk and ghz on ${split.load}.`;
}

async function measureParts(isQuick: boolean): Promise<readonly MicroFigure[]> {
  const figures: MicroFigure[] = [];
  print(`\n${MICRO}: What do the parts of the path of a request take?`);
  await runMicroBenchmarks(isQuick, (figure) => {
    figures.push(figure);
    print(`  ${figure.name}: ${formatSpread(figure.nanoseconds)} ns`);
  });
  return figures;
}

await runWithDirectory(main);
