/** Quantiles over the last minute, which goes by in steps of a fifth: as Triton's summaries. */
const SLICE_COUNT = 5;
const SLICE_MS = 12_000;

/** Values below 128 have a cell each; above, each power of two has 64, so that a cell is at most 1.6 % wide. */
const EXACT_COUNT = 128;
const CELLS_PER_POWER = 64;
const CELL_COUNT = EXACT_COUNT + 25 * CELLS_PER_POWER;
const LARGEST = 2 ** 32 - 1;

/**
 * Quantiles of a sliding window, with count and sum since the start. A value counts in one cell of a
 * logarithmic scale: observing allocates nothing, and a quantile's value is right to 0.8 %.
 */
export class Summary {
  count = 0;
  sum = 0;
  readonly #slices = Array.from({ length: SLICE_COUNT }, () => new Uint32Array(CELL_COUNT));
  #slice = 0;
  #sliceStart: number;

  /** @param nowMs - Any monotonic time; later calls go on from it. */
  constructor(nowMs: number) {
    this.#sliceStart = nowMs;
  }

  observe(value: number, nowMs: number): void {
    if (nowMs - this.#sliceStart >= SLICE_MS) this.#turn(nowMs);
    this.count += 1;
    this.sum += value;
    const cells = this.#slices[this.#slice];
    if (cells === undefined) return;
    const cell = cellOf(value);
    cells[cell] = (cells[cell] ?? 0) + 1;
  }

  /** The values at some quantiles (0 to 1, in any order); NaN when the window is empty. */
  quantiles(quantiles: readonly number[], nowMs: number): readonly number[] {
    if (nowMs - this.#sliceStart >= SLICE_MS) this.#turn(nowMs);
    const cells = new Float64Array(CELL_COUNT);
    let total = 0;
    for (const slice of this.#slices) {
      slice.forEach((count, i) => (cells[i] = (cells[i] ?? 0) + count));
    }
    for (const count of cells) total += count;
    return quantiles.map((quantile) => valueAtRank(cells, Math.max(1, Math.ceil(quantile * total)), total));
  }

  /** Drops the slices that have left the window. */
  #turn(nowMs: number): void {
    const steps = Math.floor((nowMs - this.#sliceStart) / SLICE_MS);
    for (let i = 0; i < Math.min(steps, SLICE_COUNT); i++) {
      this.#slice = (this.#slice + 1) % SLICE_COUNT;
      this.#slices[this.#slice]?.fill(0);
    }
    this.#sliceStart += steps * SLICE_MS;
  }
}

function cellOf(value: number): number {
  const whole = value >= LARGEST ? LARGEST : Math.floor(value);
  if (whole < EXACT_COUNT) return Math.max(0, whole);
  const power = 31 - Math.clz32(whole);
  return EXACT_COUNT + (power - 7) * CELLS_PER_POWER + ((whole >>> (power - 6)) & (CELLS_PER_POWER - 1));
}

function valueAtRank(cells: Float64Array, rank: number, total: number): number {
  if (total === 0) return NaN;
  let seen = 0;
  const cell = cells.findIndex((count) => (seen += count) >= rank);
  if (cell < EXACT_COUNT) return cell;
  const power = 7 + Math.floor((cell - EXACT_COUNT) / CELLS_PER_POWER);
  const width = 2 ** (power - 6);
  return 2 ** power + ((cell - EXACT_COUNT) % CELLS_PER_POWER) * width + width / 2;
}
