import type { Logger, MetricFactory, MetricFamilyOptions, MetricLabels } from '@nereid/backend-sdk';
import { createRemoteLogger } from '../telemetry/remote-log.ts';
import type { Post, WireMetric } from './executor-messages.ts';

/** A logger whose lines go to the serving thread. */
export function createExecutorLogger(backend: string, post: Post): Logger {
  return createRemoteLogger((line) => post({ kind: 'log', backend, ...line }, []));
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
