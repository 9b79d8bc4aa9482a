/**
 * `npm run bench:gate`: fails when the quick form shows less throughput, as a part of a bare echo's, than the last
 * committed results of the same kind of machine. What seems lost is measured a second time, longer, before that is
 * believed. Exit status: 0 nothing is lost, 1 something is lost or could not be measured, 2 there is nothing to
 * compare with.
 */
import { fileURLToPath } from 'node:url';
import { chooseComparable, readCommittedResults, type CommittedResults } from './gate/committed-results.ts';
import { compareResults, replaceVerdicts, TOLERANCE, type Verdict } from './gate/compare-results.ts';
import { machineKindOf } from './gate/machine-kind.ts';
import { chooseLoadGenerators } from './load/choose-load.ts';
import { describeMachine, noteIfBusy } from './measure/machine.ts';
import { formatNumber } from './report/format.ts';
import { print } from './report/print.ts';
import { FULL, QUICK, runScenarios, type ScenarioResults } from './run-scenarios.ts';
import { grpcIdentity } from './scenarios/grpc-identity.ts';
import { httpIdentity } from './scenarios/http-identity.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { tinyOnnx } from './scenarios/tiny-onnx.ts';
import { runWithDirectory } from './with-directory.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Those of the quick form that compare with a bare echo. */
const GATED = [httpIdentity, grpcIdentity, tinyOnnx];
const NOTHING_TO_COMPARE = 2;

async function main(directory: string): Promise<void> {
  const loads = await chooseLoadGenerators(directory);
  const machine = describeMachine();
  for (const note of [...loads.notes, noteIfBusy(machine)]) if (note !== undefined) print(`! ${note}`);
  const now = {
    machine,
    loadGenerators: { http: loads.http.name, grpc: loads.grpc.name },
  };
  const kind = machineKindOf(now);
  const committed = chooseComparable(readCommittedResults(ROOT), now);
  if (committed === undefined) {
    print(`No results of this kind of machine (${kind}) are committed: \`npm run bench\` makes some.`);
    process.exitCode = NOTHING_TO_COMPARE;
    return;
  }
  print(`${kind}; compared with the results of ${committed.results.date}, commit ${committed.commit}`);
  const common = { loads, isQuick: true, directory, triton: undefined };
  const quick = await runScenarios({ ...common, scenarios: GATED, rounds: QUICK });
  let verdicts = verdictsOn(committed, quick);
  const doubtful = doubtfulScenarios(verdicts);
  const failed = [...quick.failed];
  if (doubtful.length > 0) {
    print('\nWhat seems lost is measured again, longer.');
    const longer = await runScenarios({ ...common, scenarios: doubtful, rounds: FULL });
    failed.push(...longer.failed);
    verdicts = replaceVerdicts(verdicts, verdictsOn(committed, longer));
  }
  conclude(verdicts, failed);
}

function verdictsOn({ results }: CommittedResults, { figures }: ScenarioResults): readonly Verdict[] {
  return compareResults(results.figures, figures);
}

function doubtfulScenarios(verdicts: readonly Verdict[]): readonly Scenario[] {
  const names = new Set(verdicts.filter(({ isLost }) => isLost).map(({ scenario }) => scenario));
  return GATED.filter(({ name }) => names.has(name));
}

function conclude(verdicts: readonly Verdict[], failed: readonly string[]): void {
  print('');
  for (const verdict of verdicts) print(`${verdict.name}: ${describe(verdict)}`);
  const lost = verdicts.filter(({ isLost }) => isLost);
  const compared = verdicts.filter(({ committed }) => committed !== undefined);
  print(`\n${compared.length} compared, ${lost.length} lost more than ${TOLERANCE * 100} %.`);
  if (failed.length > 0) print(`Not measured to the end: ${failed.join(', ')}.`);
  if (lost.length > 0 || failed.length > 0) process.exitCode = 1;
  else if (compared.length === 0) process.exitCode = NOTHING_TO_COMPARE;
}

function describe({ committed, now, isLost }: Verdict): string {
  if (committed === undefined) return `${formatNumber(now)}, no committed figure`;
  const change = Math.round((now / committed - 1) * 100);
  const words = `${formatNumber(now)}, committed ${formatNumber(committed)} (${change >= 0 ? '+' : ''}${change} %)`;
  return isLost ? `${words}: lost` : words;
}

await runWithDirectory(main);
