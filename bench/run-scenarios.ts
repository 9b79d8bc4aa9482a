/** Answers the questions of scenarios one after the other, and says each figure as soon as it is there. */
import type { LoadGenerators } from './load/choose-load.ts';
import type { Rounds } from './measure/alternate.ts';
import type { DelayStudy } from './measure/delay-study.ts';
import type { Figure } from './measure/figure.ts';
import { formatLine } from './report/format.ts';
import { print } from './report/print.ts';
import type { Scenario } from './scenarios/scenario.ts';

/** Rounds of the quick form: three of a second. */
export const QUICK: Rounds = { rounds: 3, seconds: 1, warmUpSeconds: 1 };
/** Rounds of figures that are kept. */
export const FULL: Rounds = { rounds: 5, seconds: 2, warmUpSeconds: 2 };

/** What to measure, and how. */
export interface ScenarioRun {
  readonly scenarios: readonly Scenario[];
  readonly loads: LoadGenerators;
  readonly rounds: Rounds;
  /** Few cells, few repetitions. */
  readonly isQuick: boolean;
  /** Where to put what is needed for a while. */
  readonly directory: string;
  /** A virtual environment with `nvidia-pytriton`. */
  readonly triton: string | undefined;
}

/** What scenarios found, and what the reader has to know besides. */
export interface ScenarioResults {
  readonly figures: readonly Figure[];
  readonly delayStudy: DelayStudy | undefined;
  readonly notes: readonly string[];
  /** Names of scenarios that ended with an error; the notes say which. */
  readonly failed: readonly string[];
}

export async function runScenarios({ scenarios, ...context }: ScenarioRun): Promise<ScenarioResults> {
  const figures: Figure[] = [];
  const notes: string[] = [];
  const failed: string[] = [];
  let delayStudy: DelayStudy | undefined;
  const note = (text: string): void => {
    notes.push(text);
    print(`! ${text}`);
  };
  const report = (figure: Figure): void => {
    figures.push(figure);
    print(`  ${formatLine(figure)}`);
  };
  const reportDelayStudy = (study: DelayStudy): void => {
    delayStudy = study;
  };
  for (const scenario of scenarios) {
    print(`\n${scenario.name}: ${scenario.question}`);
    try {
      await scenario.run({ ...context, report, reportDelayStudy, note });
    } catch (error) {
      failed.push(scenario.name);
      note(`${scenario.name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { figures, delayStudy, notes, failed };
}
