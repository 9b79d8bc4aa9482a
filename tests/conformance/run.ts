/**
 * The conformance corpus with its own models, those in Python included.
 *
 *     node tests/conformance/run.ts [--verbose] [glob over group.case …]
 */
import { runConformance } from './run-corpus.ts';

process.exitCode = await runConformance('python', process.argv.slice(2));
