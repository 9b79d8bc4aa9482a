import type { LoadGenerators } from '../load/choose-load.ts';
import type { Rounds } from '../measure/alternate.ts';
import type { DelayStudy } from '../measure/delay-study.ts';
import type { Figure } from '../measure/figure.ts';

/** What scenarios get. */
export interface BenchContext {
  readonly loads: LoadGenerators;
  readonly rounds: Rounds;
  /** Few repetitions, for a look. */
  readonly isQuick: boolean;
  /** Where to put what is needed for a while. */
  readonly directory: string;
  /** A virtual environment with `nvidia-pytriton`, to compare with; undefined: those comparisons are left out. */
  readonly triton: string | undefined;
  /** Takes a figure as soon as it is there. */
  report(figure: Figure): void;
  /** Takes the study of queue delays. */
  reportDelayStudy(study: DelayStudy): void;
  /** Tells the reader of the results something besides. */
  note(text: string): void;
}

/** A question that is answered by measuring. */
export interface Scenario {
  readonly name: string;
  readonly question: string;
  /** Whether the quick form asks it, too. */
  readonly isInQuick: boolean;
  run(context: BenchContext): Promise<void>;
}
