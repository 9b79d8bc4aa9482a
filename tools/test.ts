/**
 * `npm test [-- --only unit,lint]`: runs every suite and shows what each came to, but for those that are only run when
 * they are named, since they install large packages.
 *
 * A suite is a program of Node whose last line is `N passed, N failed[, N skipped]`, and so is this one.
 */
import { spawn, spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { pythonVenv } from '../tests/python/venv.ts';
import { addCounts, NO_COUNTS, parseCounts, showCounts, type Counts } from './counts.ts';

interface Suite {
  readonly name: string;
  /** Program of Node, relative to the root, and its arguments. */
  readonly command: readonly string[];
  readonly onlyWhenNamed?: boolean;
  /** Whether its tests use Python: its packages are installed first, as that takes longer than a test may. */
  readonly usesPython?: boolean;
}

interface Result {
  readonly name: string;
  readonly counts: Counts;
  readonly seconds: number;
}

const ROOT = join(import.meta.dirname, '..');
const UNIT_TESTS = [
  'packages/*/{src,test,scripts}/**/*.test.ts',
  'tests/{repo,llm}/*.test.ts',
  '{tools,bench}/**/*.test.ts',
];
const SUITE_LIMIT_MS = 20 * 60_000;

process.exitCode = await main();

async function main(): Promise<number> {
  const results: Result[] = [];
  // One after the other: suites start servers and would disturb each other's timing.
  for (const suite of chosenSuites()) results.push(await runSuite(suite));
  console.log();
  for (const { name, counts, seconds } of results) {
    console.log(`${name.padEnd(16)} ${showCounts(counts)} (${seconds.toFixed(1)} s)`);
  }
  const { passed, failed } = results.map((result) => result.counts).reduce(addCounts, NO_COUNTS);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && results.length > 0 ? 0 : 1;
}

function chosenSuites(): readonly Suite[] {
  const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
  const suites: readonly Suite[] = [
    { name: 'lint', command: ['tools/lint.ts'] },
    { name: 'unit', command: testCommand(UNIT_TESTS) },
    {
      name: 'e2e',
      command: testCommand(['tests/e2e/*.test.ts', 'tests/llm/clients/*.test.ts']),
      usesPython: true,
    },
    ...programSuites(),
    { name: 'frameworks', command: testCommand(['tests/frameworks/*/*.test.ts']), onlyWhenNamed: true },
    { name: 'vllm', command: ['tests/llm/vllm/main.ts'], onlyWhenNamed: true },
  ];
  const usual = suites.filter(({ onlyWhenNamed = false }) => !onlyWhenNamed);
  const wanted = only?.split(',') ?? usual.map((suite) => suite.name);
  const unknown = wanted.filter((name) => !suites.some((suite) => suite.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `unknown suite ${unknown.join(', ')}, expected ${suites.map((suite) => suite.name).join(', ')}`,
    );
  }
  return suites.filter((suite) => wanted.includes(suite.name));
}

function testCommand(patterns: readonly string[]): readonly string[] {
  const files = patterns
    .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules/**'] }))
    .sort();
  return [
    '--test',
    '--test-reporter=./tools/test-report.ts',
    '--test-concurrency=2',
    '--test-timeout=180000',
    ...files,
  ];
}

/** Suites that are programs of their own: all of them talk to the server as Python's clients do. */
function programSuites(): readonly Suite[] {
  const programs = globSync('tests/*/run.ts', { cwd: ROOT }).sort();
  if (programs.length > 0 && !hasPython()) {
    console.log('Python was not found: its suites are left out. Install python3.11 or set NEREID_PYTHON.');
    return [];
  }
  return programs.map((program) => ({ name: basename(dirname(program)), command: [program] }));
}

function hasPython(): boolean {
  const names = [process.env['NEREID_PYTHON'], 'python3.11', 'python3'].filter((name) => name !== undefined);
  return names.some((name) => spawnSync(name, ['--version']).status === 0);
}

async function runSuite({ name, command, usesPython = false }: Suite): Promise<Result> {
  console.log(`\n— ${name}`);
  if (usesPython && hasPython()) pythonVenv();
  const start = performance.now();
  const { status, lastLine } = await runProgram(command);
  const counts = parseCounts(lastLine);
  // A suite that ends badly without a failed test has failed as a whole.
  const complete = status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
  return { name, counts: complete, seconds: (performance.now() - start) / 1000 };
}

/** Shows what the program writes while it runs, and gives its last line. */
function runProgram(command: readonly string[]): Promise<{ status: number | null; lastLine: string }> {
  const child = spawn(process.execPath, command, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: SUITE_LIMIT_MS,
  });
  let end = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    end = (end + text).slice(-1000);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, lastLine: end.trimEnd().split('\n').at(-1) ?? '' }));
  });
}
