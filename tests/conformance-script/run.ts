/**
 * The groups of the conformance corpus that have models in Python, with models in TypeScript in their place.
 *
 *     node tests/conformance-script/run.ts [--verbose] [glob over group.case …]
 */
import { runConformance } from '../conformance/run-corpus.ts';

const GROUPS = [
  'sequence',
  'decoupled',
  'generate',
  'ensemble',
  'scheduling',
  'shared_memory',
  'stats_metrics',
];

process.exitCode = await runConformance(
  'script',
  process.argv.slice(2),
  GROUPS.map((group) => `${group}.*`),
);
