import { spreadOf, type Spread } from './spread.ts';

/** One of the two things that are compared. */
export interface Side {
  readonly name: string;
  readonly requestsPerSecond: Spread;
  /** Median over the rounds of their median latencies, in microseconds. */
  readonly p50Us: number;
}

/** Throughput of one thing as a part of another's; more is better. */
export interface RatioFigure {
  readonly kind: 'ratio';
  readonly scenario: string;
  readonly name: string;
  readonly subject: Side;
  readonly base: Side;
  /** Over the ratios of the single rounds. */
  readonly ratio: Spread;
  /** At least. */
  readonly goal: number | undefined;
}

/** Something measured by itself: a time, a size; less is better. */
export interface ValueFigure {
  readonly kind: 'value';
  readonly scenario: string;
  readonly name: string;
  readonly unit: string;
  readonly value: Spread;
  /** At most. */
  readonly goal: number | undefined;
}

export type Figure = RatioFigure | ValueFigure;

/** What {@link valueFigure} makes a figure of. */
export interface ValueFigureFields {
  readonly scenario: string;
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly goal?: number;
}

export function valueFigure({ scenario, name, unit, values, goal }: ValueFigureFields): ValueFigure {
  return { kind: 'value', scenario, name, unit, value: spreadOf(values), goal };
}

/** Whether the median reaches the goal; undefined without a goal. */
export function meetsGoal(figure: Figure): boolean | undefined {
  if (figure.goal === undefined) return undefined;
  return figure.kind === 'ratio' ? figure.ratio.median >= figure.goal : figure.value.median <= figure.goal;
}
