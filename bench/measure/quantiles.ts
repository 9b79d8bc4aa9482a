/** The middle and the tail of many measurements. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  readonly count: number;
}

/** @throws RangeError when there is nothing to sum up. */
export function quantilesOf(values: Float64Array | readonly number[]): Quantiles {
  if (values.length === 0) throw new RangeError('no values to take quantiles of');
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1), count: sorted.length };
}
