import type { Counter, Gauge, Histogram, MetricFactory } from '@nereid/backend-sdk';
import type { FromStub } from './messages.ts';

type MetricFrame = Extract<FromStub, { kind: 'metric' | 'metric_new' }>;

/** The metrics that a process has made. */
export class StubMetrics {
  readonly #factory: MetricFactory;
  readonly #metrics = new Map<number, Partial<Counter & Gauge & Histogram>>();

  constructor(factory: MetricFactory) {
    this.#factory = factory;
  }

  onFrame(frame: MetricFrame): void {
    if (frame.kind === 'metric_new') this.#metrics.set(frame.metric, this.#create(frame));
    else this.#metrics.get(frame.metric)?.[frame.action]?.(frame.value);
  }

  close(): void {
    this.#metrics.clear();
  }

  #create({
    family: { kind, ...family },
    labels,
    buckets = [],
  }: Extract<MetricFrame, { kind: 'metric_new' }>): Partial<Counter & Gauge & Histogram> {
    if (kind === 'counter') return this.#factory.counter(family, labels);
    if (kind === 'gauge') return this.#factory.gauge(family, labels);
    return this.#factory.histogram({ ...family, buckets }, labels);
  }
}
