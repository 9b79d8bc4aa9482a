import type { Logger, LogFields } from '../logger.ts';
import type { MetricFactory, MetricLabels } from '../metrics.ts';

/** A line that a backend logged. */
export interface TestLogLine {
  readonly level: 'verbose' | 'info' | 'warning' | 'error';
  readonly message: string;
  readonly fields: LogFields | undefined;
}

/** A logger that keeps its lines. */
export function createRecordingLogger(lines: TestLogLine[]): Logger {
  const record =
    (level: TestLogLine['level']) =>
    (message: string, fields?: LogFields): void => {
      lines.push({ level, message, fields });
    };
  const verbose = record('verbose');
  return {
    verbose: (_level, message, fields) => verbose(message, fields),
    info: record('info'),
    warning: record('warning'),
    error: record('error'),
  };
}

/**
 * Metrics that keep their values in a map, by name and labels as on a metrics page: `requests{model="m"}`. A
 * histogram keeps the sum of what it observed.
 */
export function createRecordingMetrics(values: Map<string, number>): MetricFactory {
  const add = (key: string, value: number): void => {
    values.set(key, (values.get(key) ?? 0) + value);
  };
  return {
    counter(family, labels) {
      const key = keyOf(family.name, labels);
      return { increment: (value = 1) => add(key, value) };
    },
    gauge(family, labels) {
      const key = keyOf(family.name, labels);
      return { set: (value) => values.set(key, value), increment: (value = 1) => add(key, value) };
    },
    histogram(family, labels) {
      const key = keyOf(family.name, labels);
      return { observe: (value) => add(key, value) };
    },
  };
}

function keyOf(name: string, labels: MetricLabels = {}): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return pairs.length === 0 ? name : `${name}{${pairs.join(',')}}`;
}
