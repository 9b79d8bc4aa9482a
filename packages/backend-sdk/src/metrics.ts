/** Labels of one metric, by name. */
export type MetricLabels = Readonly<Record<string, string>>;

/** A family of metrics of one name on the server's `/metrics` page. */
export interface MetricFamilyOptions {
  /** Prometheus name; families of the same name and kind are shared between models. */
  readonly name: string;
  readonly description: string;
}

/** A number that only grows. */
export interface Counter {
  /** @param value - Amount, not negative. Default: 1. */
  increment(value?: number): void;
  /** What all who share the metric have counted. Absent where the backend does not run `in-process`. */
  value?(): number;
}

/** A number that goes up and down. */
export interface Gauge {
  set(value: number): void;
  /** @param value - May be negative. Default: 1. */
  increment(value?: number): void;
  /** The number now. Absent where the backend does not run `in-process`. */
  value?(): number;
}

/** A distribution in buckets. */
export interface Histogram {
  observe(value: number): void;
}

/** A family of another program's metrics, as its page has it. */
export interface ForeignFamily {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped';
  /** Finished sample lines, with labels that tell models apart: `vllm:x_bucket{le="1",model="m",version="1"} 3`. */
  readonly samples: readonly string[];
}

/** Creates the backend's own metrics. They appear on `/metrics` beside the server's. */
export interface MetricFactory {
  counter(family: MetricFamilyOptions, labels?: MetricLabels): Counter;
  gauge(family: MetricFamilyOptions, labels?: MetricLabels): Gauge;
  /** @param buckets - Upper bounds, ascending, without +Inf; of series with the same labels, the first ones count. */
  histogram(
    family: MetricFamilyOptions & { readonly buckets: readonly number[] },
    labels?: MetricLabels,
  ): Histogram;
  /**
   * Has another program's metrics shown on `/metrics`, under their names. Families of one name are joined; one that is named
   * as the server's own, or as another kind, is left out, with a warning. Absent where the backend does not run `in-process`.
   *
   * @param collect - Asked at each scrape. One that takes longer than a second is not waited for: what it said last is shown.
   * @returns Ends it.
   */
  foreign?(collect: () => Promise<readonly ForeignFamily[]>): () => void;
}
