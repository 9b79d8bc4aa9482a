/** A distribution in fixed buckets. Observing allocates nothing and takes log2(buckets) steps. */
export class Histogram {
  /** Upper bounds, ascending. */
  readonly bounds: readonly number[];
  sum = 0;
  /** Bounds, filled up with infinity to a power of two: the search needs no end check. */
  readonly #padded: Float64Array;
  readonly #counts: Float64Array;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    const size = 2 ** Math.ceil(Math.log2(bounds.length + 1));
    this.#padded = new Float64Array(size).fill(Infinity);
    this.#padded.set(bounds);
    this.#counts = new Float64Array(size);
  }

  observe(value: number): void {
    const padded = this.#padded;
    let index = 0;
    for (let step = padded.length >> 1; step > 0; step >>= 1) {
      // The cast to a number of a comparison keeps the loop free of branches.
      index += Number(value > (padded[index + step - 1] ?? Infinity)) * step;
    }
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.sum += value;
  }

  /** Observations up to each bound, and last all of them. */
  cumulativeCounts(): readonly number[] {
    let total = 0;
    return Array.from({ length: this.bounds.length + 1 }, (_, i) => (total += this.#counts[i] ?? 0));
  }
}
