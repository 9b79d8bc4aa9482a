import {
  InferenceServerError,
  type Counter,
  type Gauge,
  type Histogram,
  type MetricFactory,
} from '@nereid/backend-sdk';
import type { FromStub, ToStub } from './messages.ts';

type MetricFrame = Extract<FromStub, { kind: 'metric' | 'metric_new' | 'metric_value' }>;
type Metric = Partial<Counter & Gauge & Histogram>;

/** The metrics that a process has made. What is wrong with one is told to the process. */
export class StubMetrics {
  readonly #factory: MetricFactory;
  readonly #send: (frame: ToStub) => void;
  readonly #metrics = new Map<number, Metric>();

  constructor(factory: MetricFactory, send: (frame: ToStub) => void) {
    this.#factory = factory;
    this.#send = send;
  }

  onFrame(frame: MetricFrame): void {
    const metric = this.#metrics.get(frame.metric);
    if (frame.kind === 'metric') {
      metric?.[frame.action]?.(frame.value);
      return;
    }
    const answer = { kind: 'answer', call: frame.call, final: true } as const;
    try {
      if (frame.kind === 'metric_new') this.#metrics.set(frame.metric, this.#create(frame));
      this.#send({ ...answer, value: metric?.value?.() });
    } catch (reason) {
      const { message, code } = InferenceServerError.from(reason);
      this.#send({ ...answer, error: { message, code } });
    }
  }

  close(): void {
    this.#metrics.clear();
  }

  #create({
    family: { kind, ...family },
    labels,
    buckets = [],
  }: Extract<MetricFrame, { kind: 'metric_new' }>): Metric {
    if (kind === 'counter') return this.#factory.counter(family, labels);
    if (kind === 'gauge') return this.#factory.gauge(family, labels);
    return this.#factory.histogram({ ...family, buckets }, labels);
  }
}
