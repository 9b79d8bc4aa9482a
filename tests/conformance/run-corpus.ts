/**
 * Sends the recorded requests of a conformance corpus to our server and compares with a real Triton's answers.
 *
 * The corpus is not part of this repository: NEREID_CONFORMANCE names its folder. supported.json lists the cases that
 * we claim; known-failing.txt those of them that fail today, and one of these that passes must be struck off.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pythonVenv } from '../python/venv.ts';
import { NEREID, ROOT } from '../server/start-server.ts';
import { assembleSuite, corpusFolder } from './assemble-suite.ts';

/** What became of a case. */
interface Outcome {
  readonly outcome: 'pass' | 'fail' | 'skip' | 'quirk';
  readonly why: readonly string[];
}

const HERE = join(ROOT, 'tests/conformance');
const START = `${NEREID} serve --model-repository={repo} --http-port={http} --grpc-port={grpc} --metrics-port={metrics} --allow-client-shm=true {args}`;

/**
 * Runs the corpus, or a part of it.
 *
 * @param models - Whether the corpus's Python models run as they are, or ours in TypeScript stand for them
 *   (assemble-suite.ts).
 * @param claimed - Globs over `group.case`; default: all that supported.json lists.
 * @param args - `[--verbose] [glob …]`, which come before `claimed`.
 * @returns The exit status; the last line printed is `N passed, N failed, N skipped`.
 */
export async function runConformance(
  models: 'python' | 'script',
  args: readonly string[],
  claimed: readonly string[] = supportedCases(),
): Promise<number> {
  const corpus = corpusFolder();
  if (!existsSync(join(corpus, 'run.py'))) {
    process.stdout.write(`No conformance corpus at ${corpus}: set NEREID_CONFORMANCE\n0 passed, 0 failed\n`);
    return 0;
  }
  const globs = args.filter((arg) => !arg.startsWith('--'));
  const folder = mkdtempSync(join(tmpdir(), 'nereid-conformance-'));
  try {
    const outcomes = await runCorpus(folder, [
      join(corpus, 'run.py'),
      ...(models === 'python' ? pythonModels() : scriptModels(corpus, join(folder, 'suite'))),
      ...(globs.length > 0 ? globs : claimed).map((glob) => `--only=${glob}`),
      ...(args.includes('--verbose') ? ['--verbose'] : []),
    ]);
    return report(outcomes, knownFailing());
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function pythonModels(): readonly string[] {
  return [`--start=${START.replace('{args}', `--backend-config=python,interpreter=${pythonVenv()} {args}`)}`];
}

function scriptModels(corpus: string, suite: string): readonly string[] {
  assembleSuite(corpus, suite);
  return [`--start=${START}`, `--suite=${suite}`, '--without=python', '--ignore-backend-names'];
}

/** Runs the corpus's own program, which prints each failure and the table of groups. */
async function runCorpus(folder: string, args: readonly string[]): Promise<ReadonlyMap<string, Outcome>> {
  const results = join(folder, 'outcomes.json');
  const child = spawn(pythonVenv(), [...args, `--json=${results}`], { stdio: 'inherit' });
  await new Promise((done, fail) => child.on('error', fail).on('exit', done));
  if (!existsSync(results)) throw new Error(`${args[0]} ended without results`);
  return new Map(Object.entries<Outcome>(JSON.parse(readFileSync(results, 'utf8'))));
}

function report(outcomes: ReadonlyMap<string, Outcome>, known: ReadonlySet<string>): number {
  const named = (wanted: (name: string, outcome: Outcome) => boolean): readonly string[] =>
    [...outcomes].filter(([name, outcome]) => wanted(name, outcome)).map(([name]) => name);
  const failed = named((name, { outcome }) => outcome === 'fail' && !known.has(name));
  const fixed = named((name, { outcome }) => outcome !== 'fail' && outcome !== 'skip' && known.has(name));
  const passed = named(
    (name, { outcome }) => (outcome === 'pass' || outcome === 'quirk') && !known.has(name),
  );
  const skipped = outcomes.size - failed.length - fixed.length - passed.length;
  process.stdout.write('\n');
  for (const name of failed) process.stdout.write(`FAILED ${name}\n`);
  for (const name of fixed)
    process.stdout.write(`FAILED ${name} passes now: strike it off known-failing.txt\n`);
  const failures = failed.length + fixed.length;
  process.stdout.write(`${passed.length} passed, ${failures} failed, ${skipped} skipped\n`);
  return failures > 0 || passed.length === 0 ? 1 : 0;
}

function supportedCases(): readonly string[] {
  const supported: Readonly<Record<string, readonly string[]>> = JSON.parse(
    readFileSync(join(HERE, 'supported.json'), 'utf8'),
  );
  return Object.entries(supported).flatMap(([group, cases]) => cases.map((name) => `${group}.${name}`));
}

/** The names in known-failing.txt; text after '#' says why. */
function knownFailing(): ReadonlySet<string> {
  const lines = readFileSync(join(HERE, 'known-failing.txt'), 'utf8').split('\n');
  return new Set(lines.map((line) => (line.split('#', 1)[0] ?? '').trim()).filter((name) => name !== ''));
}
