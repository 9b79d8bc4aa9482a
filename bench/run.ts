/**
 * Measures Nereid: `npm run bench [-- --quick] [-- --only=name] [-- --output=folder] [-- --triton=folder]`.
 *
 * A whole run writes docs/benchmarks; a quick or partial one writes tmp/benchmarks, so that the committed figures
 * always come from one whole run.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chooseLoadGenerators } from './load/choose-load.ts';
import type { Rounds } from './measure/alternate.ts';
import type { Figure } from './measure/figure.ts';
import { describeMachine } from './measure/machine.ts';
import type { MicroFigure } from './micro/micro-benchmark.ts';
import { runMicroBenchmarks } from './micro/run-micro.ts';
import { formatLine, formatSpread } from './report/format.ts';
import { writeResults } from './report/results.ts';
import { SCENARIOS } from './scenarios/index.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MICRO = 'micro';
const QUICK: Rounds = { rounds: 3, seconds: 1, warmUpSeconds: 1 };
const FULL: Rounds = { rounds: 7, seconds: 2, warmUpSeconds: 3 };

interface RunOptions {
  readonly isQuick: boolean;
  /** Names of scenarios; empty: all. */
  readonly only: readonly string[];
  readonly output: string;
  /** Virtual environment with a Triton to compare with. */
  readonly triton: string | undefined;
}

function parseOptions(): RunOptions {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      output: { type: 'string' },
      triton: { type: 'string' },
    },
  });
  const names = [...SCENARIOS.map(({ name }) => name), MICRO];
  for (const name of values.only) {
    if (!names.includes(name))
      throw new Error(`--only: expected one of ${names.join(', ')}, found '${name}'`);
  }
  const isWhole = !values.quick && values.only.length === 0;
  const output = values.output ?? join(ROOT, isWhole ? 'docs' : 'tmp', 'benchmarks');
  return { isQuick: values.quick, only: values.only, output, triton: values.triton };
}

async function main(options: RunOptions, directory: string): Promise<void> {
  const { isQuick, output, triton } = options;
  const machine = describeMachine();
  const loads = await chooseLoadGenerators(directory);
  const rounds = isQuick ? QUICK : FULL;
  const figures: Figure[] = [];
  const micro: MicroFigure[] = [];
  print(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; load: ${loads.http.name}, ${loads.grpc.name}`,
  );
  const notes = [...loads.notes];
  for (const note of notes) print(`! ${note}`);
  const note = (text: string): void => {
    notes.push(text);
    print(`! ${text}`);
  };
  const wants = (name: string): boolean => options.only.length === 0 || options.only.includes(name);
  for (const scenario of SCENARIOS.filter(({ name }) => wants(name))) {
    print(`\n${scenario.name}: ${scenario.question}`);
    const report = (figure: Figure): void => {
      figures.push(figure);
      print(`  ${formatLine(figure)}`);
    };
    try {
      await scenario.run({ loads, rounds, isQuick, directory, triton, report, note });
    } catch (error) {
      process.exitCode = 1;
      note(`${scenario.name} failed: ${messageOf(error)}`);
    }
  }
  if (wants(MICRO)) {
    print(`\n${MICRO}: What do the parts of the path of a request take?`);
    await runMicroBenchmarks(isQuick, (figure) => {
      micro.push(figure);
      print(`  ${figure.name}: ${formatSpread(figure.nanoseconds)} ns`);
    });
  }
  writeResults(output, {
    date: new Date().toISOString(),
    machine,
    loadGenerators: { http: loads.http.name, grpc: loads.grpc.name },
    rounds,
    notes,
    figures,
    micro,
  });
  print(`\nWritten to ${relative(ROOT, output)}.`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

const directory = mkdtempSync(join(tmpdir(), 'nereid-bench-'));
try {
  await main(parseOptions(), directory);
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exitCode = 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
