import { execFileSync } from 'node:child_process';
import type { Results } from '../report/results.ts';
import { machineKindOf, type Circumstances } from './machine-kind.ts';

const FILE = 'docs/benchmarks/results.json';
const MAX_BYTES = 64 * 2 ** 20;

/** Results, and the commit that has them. */
export interface CommittedResults {
  readonly commit: string;
  readonly results: Results;
}

/** All results that were ever committed, the newest first; of a clone without history only the last ones. */
export function* readCommittedResults(root: string): Generator<CommittedResults> {
  const git = (...parameters: readonly string[]): string =>
    execFileSync('git', parameters, { cwd: root, encoding: 'utf8', maxBuffer: MAX_BYTES });
  const commits = git('log', '--format=%H', '--diff-filter=AM', '--', FILE).split('\n').filter(Boolean);
  for (const commit of commits) {
    const results = parseResults(git('show', `${commit}:${FILE}`));
    if (results !== undefined) yield { commit, results };
  }
}

/** The first that were taken on the same kind of machine; undefined: there are none. */
export function chooseComparable(
  committed: Iterable<CommittedResults>,
  now: Circumstances,
): CommittedResults | undefined {
  const kind = machineKindOf(now);
  for (const candidate of committed) if (machineKindOf(candidate.results) === kind) return candidate;
  return undefined;
}

/** undefined for what an older version of the benchmarks wrote in another shape. */
function parseResults(text: string): Results | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  return 'machine' in value && 'loadGenerators' in value && 'figures' in value
    ? (value as Results)
    : undefined;
}
