import type {
  Counter,
  ForeignFamily,
  Gauge,
  Histogram,
  MetricFactory,
  MetricFamilyOptions,
  MetricLabels,
} from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';
import { formatLabels, type Exposition } from './exposition.ts';
import { ForeignMetrics } from './foreign-metrics.ts';
import { Histogram as BucketHistogram } from './histogram.ts';

type MetricKind = 'counter' | 'gauge' | 'histogram';

/** A change of one metric, as it comes from another thread or process. */
export interface MetricUpdate {
  readonly metric: 'counter' | 'gauge' | 'gaugeIncrement' | 'histogram';
  readonly name: string;
  readonly description: string;
  /** Only of a histogram. */
  readonly buckets: readonly number[];
  readonly labels: MetricLabels;
  readonly value: number;
}

interface NumberSeries {
  value: number;
}

interface MetricFamily {
  readonly kind: MetricKind;
  readonly description: string;
  /** By the text of the labels. */
  readonly numbers: Map<string, NumberSeries>;
  readonly histograms: Map<string, BucketHistogram>;
}

interface FamilyRequest {
  readonly kind: MetricKind;
  readonly name: string;
  readonly description: string;
}

const METRIC_NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/**
 * Metrics of backends. Families of one name and kind are shared, and so are series of the same labels: whoever
 * asks again goes on counting where the others are.
 */
export class BackendMetrics implements MetricFactory {
  readonly #families = new Map<string, MetricFamily>();
  readonly #foreign: ForeignMetrics;
  readonly #reserved: ReadonlySet<string>;
  readonly #onError: (error: InferenceServerError) => void;

  /**
   * @param reserved - Names of the server's own families.
   * @param onError - Hears of updates that could not be applied.
   * @param warn - Hears of other programs' families that are left out. Default: nobody does.
   */
  constructor(
    reserved: Iterable<string>,
    onError: (error: InferenceServerError) => void,
    warn: (message: string) => void = () => {},
  ) {
    this.#reserved = new Set(reserved);
    this.#onError = onError;
    this.#foreign = new ForeignMetrics({ warn });
  }

  /** @throws InferenceServerError INVALID_ARG for a bad name, ALREADY_EXISTS when it is taken by another kind. */
  counter({ name, description }: MetricFamilyOptions, labels: MetricLabels = {}): Counter {
    const series = this.#number({ kind: 'counter', name, description }, labels);
    return {
      increment: (value = 1) => {
        if (!(value >= 0)) {
          throw new InferenceServerError(
            'INVALID_ARG',
            `counter '${name}' only grows, expected a value >= 0, found ${value}`,
          );
        }
        series.value += value;
      },
      value: () => series.value,
    };
  }

  /** @throws InferenceServerError as `counter` does. */
  gauge({ name, description }: MetricFamilyOptions, labels: MetricLabels = {}): Gauge {
    const series = this.#number({ kind: 'gauge', name, description }, labels);
    return {
      set: (value) => {
        series.value = value;
      },
      increment: (value = 1) => {
        series.value += value;
      },
      value: () => series.value,
    };
  }

  /**
   * Series of the same labels have the buckets of whoever asked first, as in Triton.
   *
   * @throws InferenceServerError as `counter` does, and INVALID_ARG for buckets that do not ascend.
   */
  histogram(
    { name, description, buckets }: MetricFamilyOptions & { readonly buckets: readonly number[] },
    labels: MetricLabels = {},
  ): Histogram {
    if (buckets.some((bound, i) => !(bound > (buckets[i - 1] ?? -Infinity))))
      throw invalid(name, 'buckets in ascending order', `[${buckets.join(', ')}]`);
    const { histograms } = this.#family({ kind: 'histogram', name, description });
    const key = labelsKey(name, labels);
    const series = histograms.get(key) ?? new BucketHistogram(buckets);
    histograms.set(key, series);
    return series;
  }

  foreign(collect: () => Promise<readonly ForeignFamily[]>): () => void {
    return this.#foreign.add(collect);
  }

  /** Asks other programs for what `render` shows of them. */
  refreshForeign(): Promise<void> {
    return this.#foreign.refresh();
  }

  /** Applies a change that was made elsewhere. What is wrong with it is told to `onError`. */
  apply({ metric, name, description, buckets, labels, value }: MetricUpdate): void {
    const family = { name, description, buckets };
    try {
      if (metric === 'counter') this.counter(family, labels).increment(value);
      else if (metric === 'gauge') this.gauge(family, labels).set(value);
      else if (metric === 'gaugeIncrement') this.gauge(family, labels).increment(value);
      else this.histogram(family, labels).observe(value);
    } catch (reason) {
      this.#onError(InferenceServerError.from(reason));
    }
  }

  render(exposition: Exposition): void {
    for (const [name, { kind, description, numbers, histograms }] of this.#families) {
      exposition.family({ name, help: description, type: kind });
      for (const [labels, { value }] of numbers) exposition.sample(name, labels, value);
      for (const [labels, histogram] of histograms) exposition.histogram(name, labels, histogram);
    }
    this.#foreign.render(exposition, (name) => this.#ownerOf(name));
  }

  /** Whose a name is, in words. All that begins with `nv_` is the server's, now or in another version. */
  #ownerOf(name: string): string | undefined {
    if (this.#reserved.has(name) || name.startsWith('nv_')) return 'one of the server';
    const family = this.#families.get(name);
    return family && `a ${family.kind} of a backend`;
  }

  #number(request: FamilyRequest, labels: MetricLabels): NumberSeries {
    const { numbers } = this.#family(request);
    const key = labelsKey(request.name, labels);
    const series = numbers.get(key) ?? { value: 0 };
    numbers.set(key, series);
    return series;
  }

  #family({ kind, name, description }: FamilyRequest): MetricFamily {
    const found = this.#families.get(name);
    if (found?.kind === kind) return found;
    if (found !== undefined || this.#reserved.has(name)) {
      const owner = found === undefined ? 'one of the server' : `a ${found.kind}`;
      throw new InferenceServerError(
        'ALREADY_EXISTS',
        `metric '${name}' is asked for as ${kind} but is ${owner}`,
      );
    }
    if (!METRIC_NAME.test(name)) throw invalid(name, 'a name of letters, digits, _ and :', name);
    const family = { kind, description, numbers: new Map(), histograms: new Map() };
    this.#families.set(name, family);
    return family;
  }
}

function labelsKey(metric: string, labels: MetricLabels): string {
  for (const name of Object.keys(labels)) {
    if (!LABEL_NAME.test(name)) throw invalid(metric, 'label names of letters, digits and _', name);
  }
  // Sorted, so that the order in which labels are given does not make another series.
  return formatLabels(Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))));
}

function invalid(metric: string, expected: string, found: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `metric '${metric}': expected ${expected}, found '${found}'`,
  );
}
