import type { Spread } from './spread.ts';

/** What one queue delay came to under one load. */
export interface DelayCell {
  /** `max_queue_delay_microseconds` */
  readonly delayUs: number;
  readonly connections: number;
  readonly requestsPerSecond: Spread;
  /** Over the median latencies of the rounds, in microseconds. */
  readonly p50Us: Spread;
  /** Mean over all executions, warm-up included. */
  readonly batchSize: number;
}

/** A grid of queue delays and connections. */
export interface DelayStudy {
  /** What was served. */
  readonly model: string;
  readonly maxBatchSize: number;
  /** Every delay with every number of connections, delays the fastest. */
  readonly cells: readonly DelayCell[];
}

/** The different values of a grid in the order in which they come. */
export function axisOf(study: DelayStudy, axis: 'delayUs' | 'connections'): readonly number[] {
  return [...new Set(study.cells.map((cell) => cell[axis]))];
}

/** One measure over the delays for one number of connections. */
export function seriesOf(
  { cells }: DelayStudy,
  connections: number,
  measure: (cell: DelayCell) => number,
): readonly number[] {
  return cells.filter((cell) => cell.connections === connections).map(measure);
}
