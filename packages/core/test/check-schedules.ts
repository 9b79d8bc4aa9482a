import fc, { type IAsyncProperty, type IProperty } from 'fast-check';

/**
 * Checks a property of many random schedules. A failure prints the seed and the shortest schedule that was found;
 * `NEREID_SEED=<seed>` runs the same ones again, `NEREID_RUNS=<count>` more of them.
 */
export function checkSchedules<T>(property: IProperty<T>, runs?: number): void;
export function checkSchedules<T>(property: IAsyncProperty<T>, runs?: number): Promise<void>;
export function checkSchedules<T>(
  property: IProperty<T> | IAsyncProperty<T>,
  runs = 1000,
): void | Promise<void> {
  const { NEREID_SEED: seed, NEREID_RUNS: count } = process.env;
  return fc.assert(property, {
    numRuns: count === undefined ? runs : Number(count),
    ...(seed !== undefined && { seed: Number(seed) }),
  });
}
