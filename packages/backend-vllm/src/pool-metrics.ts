import type { Counter, Gauge, MetricFactory, MetricLabels } from '@nereid/backend-sdk';

/** Why a request got no place. */
export type RefusalReason = 'queue_full' | 'evicted' | 'timeout' | 'no_engine';

/** What is shown of the engines of a model version and of who waits for them. Its series are there from the load on. */
export class PoolMetrics {
  readonly #factory: MetricFactory;
  readonly #labels: MetricLabels;
  readonly queueRequests: Gauge;
  readonly queueTokens: Gauge;
  readonly running: Gauge;
  readonly restarts: Counter;
  readonly #refused: Readonly<Record<RefusalReason, Counter>>;

  constructor(factory: MetricFactory, labels: MetricLabels) {
    this.#factory = factory;
    this.#labels = labels;
    this.queueRequests = this.#gauge('nereid_llm_queue_requests', 'Requests that wait for an engine');
    this.queueTokens = this.#gauge('nereid_llm_queue_tokens', 'Estimated tokens of the requests that wait');
    this.running = this.#gauge('nereid_llm_running_requests', 'Requests that engines have');
    this.restarts = this.#counter('nereid_llm_engine_restarts_total', 'Engines that were started again');
    const refused = (reason: RefusalReason): Counter =>
      this.#counter('nereid_llm_refused_total', 'Requests that got no place on an engine', { reason });
    this.#refused = {
      queue_full: refused('queue_full'),
      evicted: refused('evicted'),
      timeout: refused('timeout'),
      no_engine: refused('no_engine'),
    };
  }

  refused(reason: RefusalReason): void {
    this.#refused[reason].increment();
  }

  /** 1 while the engine can serve. */
  engineUp(name: string): Gauge {
    return this.#gauge('nereid_llm_engine_up', 'Whether the engine can serve', { engine_name: name });
  }

  #gauge(name: string, description: string, labels: MetricLabels = {}): Gauge {
    return this.#factory.gauge({ name, description }, { ...this.#labels, ...labels });
  }

  #counter(name: string, description: string, labels: MetricLabels = {}): Counter {
    return this.#factory.counter({ name, description }, { ...this.#labels, ...labels });
  }
}
