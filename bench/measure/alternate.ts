import type { LoadResult } from '../load/load.ts';
import type { RatioFigure, Side } from './figure.ts';
import { spreadOf } from './spread.ts';

/** One of two things to compare: puts it under load for some seconds. */
export interface Contender {
  readonly name: string;
  load(seconds: number): Promise<LoadResult>;
}

/** How often and how long. */
export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** A comparison to make. */
export interface Comparison extends Rounds {
  readonly scenario: string;
  readonly name: string;
  readonly base: Contender;
  readonly subject: Contender;
  /** What is wanted: of a ratio at least, of an added latency at most. */
  readonly goal?: number;
}

/**
 * Loads both in turn, after a warm-up of each, and compares them round by round, so that what slows the whole
 * machine for a while falls on both.
 *
 * @throws Error when a request failed: a figure with failures in it means nothing.
 */
export async function alternate(comparison: Comparison): Promise<RatioFigure> {
  const { scenario, name, base, subject, rounds, seconds, warmUpSeconds, goal } = comparison;
  await loadOf(base, warmUpSeconds);
  await loadOf(subject, warmUpSeconds);
  const bases: LoadResult[] = [];
  const subjects: LoadResult[] = [];
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const one = await loadOf(base, seconds);
    const other = await loadOf(subject, seconds);
    bases.push(one);
    subjects.push(other);
    ratios.push(other.requestsPerSecond / one.requestsPerSecond);
  }
  return {
    kind: 'ratio',
    scenario,
    name,
    subject: toSide(subject, subjects),
    base: toSide(base, bases),
    ratio: spreadOf(ratios),
    goal,
  };
}

/** @throws Error when a request failed, or none was answered. */
export async function loadOf(contender: Contender, seconds: number): Promise<LoadResult> {
  const result = await contender.load(seconds);
  if (result.errors > 0) throw new Error(`${contender.name}: ${result.errors} requests failed`);
  if (!(result.requestsPerSecond > 0)) throw new Error(`${contender.name}: no request was answered`);
  return result;
}

function toSide({ name }: Contender, results: readonly LoadResult[]): Side {
  return {
    name,
    requestsPerSecond: spreadOf(results.map((result) => result.requestsPerSecond)),
    p50Us: spreadOf(results.map((result) => result.p50Us)).median,
  };
}
