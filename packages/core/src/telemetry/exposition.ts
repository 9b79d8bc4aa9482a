/** Writer of the Prometheus text format, version 0.0.4. */
import type { Histogram } from './histogram.ts';

/** Kinds of metric families. */
export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';

/** A family of samples: what HELP and TYPE lines say. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
}

/** Collects the text of one scrape. */
export class Exposition {
  readonly #lines: string[] = [];

  /** Begins a family: its samples follow. */
  family({ name, help, type }: Family): void {
    this.#lines.push(`# HELP ${name} ${escapeHelp(help)}`, `# TYPE ${name} ${type}`);
  }

  /** @param labels - As {@link formatLabels} writes them, '' for none. */
  sample(name: string, labels: string, value: number): void {
    this.#lines.push(`${name}${labels === '' ? '' : `{${labels}}`} ${formatValue(value)}`);
  }

  /** Sample lines that are finished. */
  lines(samples: readonly string[]): void {
    for (const sample of samples) this.#lines.push(sample);
  }

  /** The samples of a histogram. @param perUnit - How many of the observed units make one of the family's. */
  histogram(name: string, labels: string, histogram: Histogram, perUnit = 1): void {
    const counts = histogram.cumulativeCounts();
    const total = counts.at(-1) ?? 0;
    this.sample(`${name}_count`, labels, total);
    this.sample(`${name}_sum`, labels, histogram.sum / perUnit);
    const start = `${name}_bucket{${labels === '' ? '' : `${labels},`}le="`;
    for (const [i, bound] of histogram.bounds.entries()) {
      this.#lines.push(`${start}${formatValue(bound / perUnit)}"} ${counts[i] ?? 0}`);
    }
    this.#lines.push(`${start}+Inf"} ${total}`);
  }

  toString(): string {
    return this.#lines.length === 0 ? '' : `${this.#lines.join('\n')}\n`;
  }
}

/** `{ model: 'a', version: '1' }` → `model="a",version="1"` */
export function formatLabels(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}="${escapeLabel(value)}"`)
    .join(',');
}

/** Two label texts as one; either may be ''. */
export function joinLabels(first: string, second: string): string {
  return first === '' || second === '' ? first + second : `${first},${second}`;
}

function formatValue(value: number): string {
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : String(value);
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}

function escapeHelp(help: string): string {
  return help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
