/** Traces → a table of how long the stages took, by model. */
import { formatTable } from '../table.ts';
import type { Trace } from './read-traces.ts';
import { STAGE_NAMES, stagesOf, wholeOf } from './stages.ts';

const HEAD = ['model', 'stage', 'count', 'average', 'p50', 'p90', 'p99', 'max'];
const QUANTILES = [0.5, 0.9, 0.99, 1];

/** A table in microseconds. Steps of ensembles count for their own model. */
export function formatSummary(traces: readonly Trace[]): string {
  const byModel = Map.groupBy(traces, ({ modelName, modelVersion }) => `${modelName} ${modelVersion}`);
  const rows = [...byModel].toSorted(([a], [b]) => a.localeCompare(b)).flatMap(([, own]) => modelRows(own));
  return `${formatTable(HEAD, rows)}\nAll times in microseconds.`;
}

function modelRows(traces: readonly Trace[]): readonly (readonly string[])[] {
  const durations = durationsOf(traces);
  const [first] = traces;
  const model = `${first?.modelName} (${first?.modelVersion})`;
  return ['request', ...STAGE_NAMES].flatMap((stage) => {
    const values = durations.get(stage);
    return values === undefined ? [] : [[stage === 'request' ? model : '', stage, ...statistics(values)]];
  });
}

function durationsOf(traces: readonly Trace[]): ReadonlyMap<string, readonly number[]> {
  const durations = new Map<string, number[]>();
  for (const trace of traces) {
    for (const { name, startNs, endNs } of [wholeOf(trace) ?? [], stagesOf(trace)].flat()) {
      const values = durations.get(name) ?? [];
      durations.set(name, values);
      values.push((endNs - startNs) / 1000);
    }
  }
  return durations;
}

function statistics(values: readonly number[]): readonly string[] {
  const sorted = values.toSorted((a, b) => a - b);
  const average = values.reduce((sum, value) => sum + value, 0) / values.length;
  // Nearest rank: a value that was measured, not one between two.
  const quantiles = QUANTILES.map((share) => sorted[Math.ceil(share * sorted.length) - 1] ?? NaN);
  return [String(values.length), ...[average, ...quantiles].map(formatMicros)];
}

function formatMicros(value: number): string {
  return value < 100 ? value.toFixed(1) : String(Math.round(value));
}
