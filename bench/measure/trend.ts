/** A value and when it was seen. */
export interface TimedValue {
  /** Since the beginning. */
  readonly seconds: number;
  readonly value: number;
}

/** How much a value grows in an hour: the slope of the line that fits best (least squares); 0 for less than two values. */
export function growthPerHour(samples: readonly TimedValue[]): number {
  const mean = (pick: (sample: TimedValue) => number): number =>
    samples.reduce((sum, sample) => sum + pick(sample), 0) / samples.length;
  const time = mean(({ seconds }) => seconds);
  const level = mean(({ value }) => value);
  const shared = mean((sample) => (sample.seconds - time) * (sample.value - level));
  const spread = mean(({ seconds }) => (seconds - time) ** 2);
  return spread > 0 ? (shared / spread) * 3600 : 0;
}
