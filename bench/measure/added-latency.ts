import { loadOf, type Comparison } from './alternate.ts';
import { valueFigure, type ValueFigure } from './figure.ts';

/**
 * By how much the median latency of the subject exceeds that of the base, in microseconds: round by round, in turn.
 *
 * @throws Error when a request failed.
 */
export async function addedLatency(comparison: Comparison): Promise<ValueFigure> {
  const { scenario, name, base, subject, rounds, seconds, warmUpSeconds, goal } = comparison;
  await loadOf(base, warmUpSeconds);
  await loadOf(subject, warmUpSeconds);
  const values: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = await loadOf(base, seconds);
    const after = await loadOf(subject, seconds);
    values.push(after.p50Us - before.p50Us);
  }
  return valueFigure({ scenario, name, unit: 'µs', values, ...(goal !== undefined && { goal }) });
}
