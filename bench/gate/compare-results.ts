import type { Figure, RatioFigure } from '../measure/figure.ts';
import { isBaseline } from '../process/baseline.ts';

/** The part of a committed ratio that may be lost. */
export const TOLERANCE = 0.1;

/** What became of one ratio. */
export interface Verdict {
  readonly name: string;
  readonly scenario: string;
  /** Medians; the committed one is undefined where there is none. */
  readonly committed: number | undefined;
  readonly now: number;
  readonly isLost: boolean;
}

/** Holds every ratio to a bare echo against the committed one of the same name. */
export function compareResults(committed: readonly Figure[], now: readonly Figure[]): readonly Verdict[] {
  const before = new Map(echoRatios(committed).map(({ name, ratio }) => [name, ratio.median]));
  return echoRatios(now).map(({ name, scenario, ratio }) => {
    const least = (before.get(name) ?? 0) * (1 - TOLERANCE);
    return { name, scenario, committed: before.get(name), now: ratio.median, isLost: ratio.median < least };
  });
}

/** The verdicts, those that were reached a second time in place of the first. */
export function replaceVerdicts(first: readonly Verdict[], second: readonly Verdict[]): readonly Verdict[] {
  const again = new Map(second.map((verdict) => [verdict.name, verdict]));
  return first.map((verdict) => (verdict.isLost ? (again.get(verdict.name) ?? verdict) : verdict));
}

function echoRatios(figures: readonly Figure[]): readonly RatioFigure[] {
  return figures.filter((figure) => figure.kind === 'ratio').filter(({ base }) => isBaseline(base.name));
}
