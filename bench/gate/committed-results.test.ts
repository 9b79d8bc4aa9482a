import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { chooseComparable, readCommittedResults, type CommittedResults } from './committed-results.ts';

const MACHINE = { cpu: 'CPU', cores: 2, memoryGb: 4, system: 'linux 6.1 x64', node: 'v26.1.0' };
const LOADS = { http: 'wrk 4.1', grpc: 'ghz 0.1' };

function committed(commit: string, changes: object = {}, loadGenerators = LOADS): CommittedResults {
  const rounds = { rounds: 1, seconds: 1, warmUpSeconds: 1 };
  const machine = { ...MACHINE, ...changes };
  const results = { date: '', machine, loadGenerators, rounds, notes: [], figures: [], micro: [] };
  return { commit, results };
}

const NOW = { machine: { ...MACHINE, node: 'v27.0.0', memoryGb: 8 }, loadGenerators: LOADS };

test('the newest results of the same kind of machine are chosen, whatever its memory and releases', () => {
  const all = [
    committed('four cores', { cores: 4 }),
    committed('another processor', { cpu: 'Other' }),
    committed('another system', { system: 'darwin 25 arm64' }),
    committed('the newest', { system: 'linux 5.0 x64' }, { http: 'wrk 4.2', grpc: 'ghz dev' }),
    committed('an older one'),
  ];
  assert.equal(chooseComparable(all, NOW)?.commit, 'the newest');
});

test('figures of another load generator do not compare', () => {
  const own = { ...LOADS, http: 'own load generator (node:net)' };
  assert.equal(chooseComparable([committed('own', {}, own)], NOW), undefined);
});

test('results are read from every commit that has some, the newest first', (context: TestContext) => {
  const root = mkdtempSync(join(tmpdir(), 'gate-test-'));
  context.after(() => rmSync(root, { recursive: true }));
  const git = (...parameters: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...parameters], {
      cwd: root,
      encoding: 'utf8',
    });
  git('init', '--quiet');
  mkdirSync(join(root, 'docs/benchmarks'), { recursive: true });
  const commit = (content: object): void => {
    writeFileSync(join(root, 'docs/benchmarks/results.json'), JSON.stringify(content));
    git('add', '.');
    git('commit', '--quiet', '--message=results');
  };
  commit(committed('', { cores: 4 }).results);
  commit({ another: 'shape' });
  commit(committed('', { cores: 2 }).results);
  const found = [...readCommittedResults(root)];
  assert.deepEqual(
    found.map(({ results }) => results.machine.cores),
    [2, 4],
  );
  assert.equal(found[0]?.commit, git('rev-parse', 'HEAD').trim());
});
