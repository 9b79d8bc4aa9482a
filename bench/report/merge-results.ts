/** A scenario that was measured again, in the place of what the last whole run found. */
import { machineKindOf } from '../gate/machine-kind.ts';
import type { Figure } from '../measure/figure.ts';
import type { Results } from './results.ts';

/** What was measured again, when, and what was noted then. */
const AGAIN = /^Measured again by itself, (?<day>\S+): (?<names>[^.]+)\.(?<noted>.*)$/;

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
  const names = [...measured, ...(now.micro.length > 0 ? ['micro'] : [])];
  const again = againNote(now.date.slice(0, 10), names, now.notes.map((note) => ` ${note}`).join(''));
  return {
    ...before,
    notes: [...before.notes.flatMap((note) => withoutNames(note, names)), again],
    figures: [
      ...before.figures.flatMap((figure, at) => replaced(figure, at, { before, now, measured })),
      ...now.figures.filter(({ scenario }) => before.figures.every((other) => other.scenario !== scenario)),
    ],
    micro: now.micro.length > 0 ? now.micro : before.micro,
    delayStudy: now.delayStudy ?? before.delayStudy,
  };
}

function againNote(day: string, names: readonly string[], noted: string): string {
  return `Measured again by itself, ${day}: ${names.join(', ')}.${noted}`;
}

/** A note of an earlier run, without what was measured since; none when nothing is left of it. */
function withoutNames(note: string, measured: readonly string[]): readonly string[] {
  const { day = '', names = '', noted = '' } = AGAIN.exec(note)?.groups ?? {};
  if (names === '') return [note];
  const left = names.split(', ').filter((name) => !measured.includes(name));
  return left.length === 0 ? [] : [againNote(day, left, noted)];
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
