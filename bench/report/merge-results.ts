/** A scenario that was measured again, in the place of what the last whole run found. */
import { machineKindOf } from '../gate/machine-kind.ts';
import type { Figure } from '../measure/figure.ts';
import type { Results } from './results.ts';

const AGAIN = 'Measured again';

/**
 * Puts the figures of a partial run in the place of those of the same scenarios; new ones come last. Both sides of a
 * ratio were taken in one run either way.
 *
 * @throws Error when the machines differ: the page names one.
 */
export function mergeResults(before: Results, now: Results): Results {
  const kinds = [machineKindOf(before), machineKindOf(now)];
  if (kinds[0] !== kinds[1]) throw new Error(`results of another kind of machine: ${kinds.join('; now ')}`);
  const measured = new Set(now.figures.map(({ scenario }) => scenario));
  const day = now.date.slice(0, 10);
  const names = [...measured, ...(now.micro.length > 0 ? ['micro'] : [])].join(', ');
  return {
    ...before,
    notes: [...before.notes, ...now.notes, `${AGAIN} by itself, ${day}: ${names}.`],
    figures: [
      ...before.figures.flatMap((figure, at) => replaced(figure, at, { before, now, measured })),
      ...now.figures.filter(({ scenario }) => before.figures.every((other) => other.scenario !== scenario)),
    ],
    micro: now.micro.length > 0 ? now.micro : before.micro,
    delayStudy: now.delayStudy ?? before.delayStudy,
  };
}

/** All new figures of a scenario stand where its first old one was. */
function replaced(
  figure: Figure,
  at: number,
  {
    before,
    now,
    measured,
  }: { readonly before: Results; readonly now: Results; readonly measured: ReadonlySet<string> },
): readonly Figure[] {
  const { scenario } = figure;
  if (!measured.has(scenario)) return [figure];
  const first = before.figures.findIndex((other) => other.scenario === scenario);
  return at === first ? now.figures.filter((other) => other.scenario === scenario) : [];
}
