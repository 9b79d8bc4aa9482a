import type { Logger, MetricFactory, MetricFamilyOptions, MetricLabels } from '@nereid/backend-sdk';
import type { ServerLogFields } from '../telemetry/logger.ts';
import type { FromExecutor, Post, WireMetric } from './executor-messages.ts';

type LogLevel = Extract<FromExecutor, { kind: 'log' }>['level'];

/** A logger whose lines go to the serving thread. */
export function createExecutorLogger(backend: string, post: Post): Logger {
  const send = (
    level: LogLevel,
    verbosity: number,
    message: string,
    fields: ServerLogFields | undefined,
  ): void => {
    const plain = fields?.cause === undefined ? fields : { ...fields, cause: describe(fields.cause) };
    post({ kind: 'log', backend, level, verbosity, message, fields: plain }, []);
  };
  return {
    verbose: (level, message, fields) => send('verbose', level, message, fields),
    info: (message, fields) => send('info', 0, message, fields),
    warning: (message, fields) => send('warning', 0, message, fields),
    error: (message, fields) => send('error', 0, message, fields),
  };
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** Metrics that are kept by the serving thread. */
export function createExecutorMetrics(post: Post): MetricFactory {
  const update = (
    metric: WireMetric['metric'],
    family: MetricFamilyOptions & { readonly buckets?: readonly number[] },
    labels: MetricLabels = {},
  ): ((value: number) => void) => {
    const { name, description, buckets = [] } = family;
    return (value) =>
      post({ kind: 'metric', update: { metric, name, description, buckets, labels, value } }, []);
  };
  return {
    counter: (family, labels) => {
      const increment = update('counter', family, labels);
      return { increment: (value = 1) => increment(value) };
    },
    gauge: (family, labels) => {
      const increment = update('gaugeIncrement', family, labels);
      return { set: update('gauge', family, labels), increment: (value = 1) => increment(value) };
    },
    histogram: (family, labels) => ({ observe: update('histogram', family, labels) }),
  };
}
