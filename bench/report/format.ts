import { meetsGoal, type Figure } from '../measure/figure.ts';
import type { Spread } from '../measure/spread.ts';

/** Thousands as `12,345`; small numbers with as many digits as matter. */
export function formatNumber(value: number): string {
  if (value >= 1000) return Math.round(value).toLocaleString('en-US');
  return value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2);
}

/** `0.71 (0.68–0.74)`; without the range when there was only one measurement. */
export function formatSpread({ median, min, max }: Spread): string {
  if (min === max) return formatNumber(median);
  return `${formatNumber(median)} (${formatNumber(min)}–${formatNumber(max)})`;
}

/** `≥ 0.60` or `≤ 250 ms`; a dash without a goal. */
export function formatGoal(figure: Figure): string {
  if (figure.goal === undefined) return '–';
  if (figure.kind === 'ratio') return `≥ ${formatNumber(figure.goal)}`;
  return `≤ ${formatNumber(figure.goal)} ${figure.unit}`;
}

export function formatVerdict(figure: Figure): string {
  const isMet = meetsGoal(figure);
  if (isMet === undefined) return '';
  return isMet ? 'met' : 'missed';
}

/** One line for the terminal. */
export function formatLine(figure: Figure): string {
  const goal = figure.goal === undefined ? '' : `   ${formatGoal(figure)}: ${formatVerdict(figure)}`;
  if (figure.kind === 'value') return `${figure.name}: ${formatSpread(figure.value)} ${figure.unit}${goal}`;
  const { subject, base, ratio } = figure;
  const sides = [subject, base].map(
    (side) => `${side.name} ${formatNumber(side.requestsPerSecond.median)}/s`,
  );
  return `${figure.name}: ${formatSpread(ratio)} = ${sides.join(' : ')}${goal}`;
}
