import { setImmediate } from 'node:timers/promises';
import type { Logger } from '@nereid/backend-sdk';
import { BackendMetrics } from './backend-metrics.ts';
import { Exposition, formatLabels, joinLabels } from './exposition.ts';
import { LatencySummaries } from './latency-summaries.ts';
import { MODEL_FAMILIES, type ModelFamily } from './metric-families.ts';
import type { ModelStatistics } from './statistics.ts';
import { renderPinnedMemory, SystemMetrics, systemProbe, type SystemProbe } from './system-metrics.ts';

export { BackendMetrics, type MetricUpdate } from './backend-metrics.ts';

/** How long rendering may hold up requests. */
const LONGEST_MS = 2;

/** A quantile that summaries publish, and how far off its rank may be (both 0 to 1). */
export interface SummaryQuantile {
  readonly quantile: number;
  readonly error: number;
}

/** What is published: `--metrics-config`, `--allow-cpu-metrics` and `--metrics-interval-ms`. */
export interface MetricsOptions {
  readonly counterLatencies: boolean;
  readonly histogramLatencies: boolean;
  readonly summaryLatencies: boolean;
  readonly summaryQuantiles: readonly SummaryQuantile[];
  readonly cpuMetrics: boolean;
  /** How old processor and memory figures may be. */
  readonly intervalMs: number;
}

/** What the registry works with; times and the machine are replaced in tests. */
export interface MetricsParts {
  readonly logger: Logger;
  readonly nowMs?: () => number;
  readonly probe?: SystemProbe;
}

/** All metrics of the server. Nothing is done for them until they are scraped, summaries apart. */
export class MetricsRegistry {
  /** Where backends make their own metrics. */
  readonly backendMetrics: BackendMetrics;
  readonly #options: MetricsOptions;
  readonly #nowMs: () => number;
  readonly #system: SystemMetrics | undefined;
  readonly #families: readonly ModelFamily[];
  readonly #quantiles: readonly number[];
  /** The models with the text of their labels. */
  readonly #models = new Map<ModelStatistics, string>();

  constructor(
    options: MetricsOptions,
    { logger, nowMs = () => performance.now(), probe = systemProbe }: MetricsParts,
  ) {
    this.#options = options;
    this.#nowMs = nowMs;
    this.#families = MODEL_FAMILIES.filter(({ when }) => when === 'always' || options[when]);
    this.#quantiles = options.summaryQuantiles.map(({ quantile }) => quantile);
    this.#system = options.cpuMetrics ? new SystemMetrics(probe, options.intervalMs, nowMs()) : undefined;
    const reserved = MODEL_FAMILIES.map(({ name }) => name);
    this.backendMetrics = new BackendMetrics(
      reserved,
      (error) => logger.error(error.message),
      (message) => logger.warning(message),
    );
  }

  /** Publishes a model version from now on. */
  add(statistics: ModelStatistics): void {
    this.#models.set(statistics, labelsOf(statistics));
    if (this.#options.summaryLatencies) statistics.summaries ??= new LatencySummaries(this.#nowMs);
  }

  remove(statistics: ModelStatistics): void {
    this.#models.delete(statistics);
    statistics.summaries = undefined;
  }

  /** The page in Prometheus' text format. With many models, requests are let in between the families. */
  async render(): Promise<string> {
    const foreign = this.backendMetrics.refreshForeign();
    const exposition = new Exposition();
    let since = this.#nowMs();
    for (const family of this.#families) {
      this.#renderFamily(exposition, family);
      if (this.#nowMs() - since < LONGEST_MS) continue;
      await setImmediate();
      since = this.#nowMs();
    }
    renderPinnedMemory(exposition);
    this.#system?.render(exposition, this.#nowMs());
    await foreign;
    this.backendMetrics.render(exposition);
    return exposition.toString();
  }

  /** A family without a model that has it is left out. */
  #renderFamily(exposition: Exposition, family: ModelFamily): void {
    const { responseCache } = family;
    const models = [...this.#models].filter(
      ([s]) => responseCache === undefined || s.responseCache === responseCache,
    );
    if (models.length === 0) return;
    exposition.family(family);
    for (const [statistics, labels] of models) this.#renderModel(exposition, family, statistics, labels);
  }

  #renderModel(
    exposition: Exposition,
    family: ModelFamily,
    statistics: ModelStatistics,
    labels: string,
  ): void {
    const { name } = family;
    if (family.type === 'histogram') {
      exposition.histogram(name, labels, family.histogram(statistics), family.perUnit);
    } else if (family.type === 'summary') {
      if (statistics.summaries === undefined) return;
      const summary = family.summary(statistics.summaries);
      exposition.sample(`${name}_count`, labels, summary.count);
      exposition.sample(`${name}_sum`, labels, summary.sum);
      const values = summary.quantiles(this.#quantiles, this.#nowMs());
      for (const [i, quantile] of this.#quantiles.entries()) {
        exposition.sample(name, joinLabels(labels, `quantile="${quantile}"`), values[i] ?? NaN);
      }
    } else {
      for (const sample of family.samples(statistics)) {
        exposition.sample(name, joinLabels(labels, sample.labels), sample.value);
      }
    }
  }
}

/** Tags of the configuration get a leading underscore: they never hide a label of the server. */
function labelsOf({ model, namespace, version, tags }: ModelStatistics): string {
  const tagLabels = Object.entries(tags).map(([name, value]) => [
    `_${name.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`,
    value,
  ]);
  const namespaced = namespace === '' ? { model } : { model, namespace };
  return formatLabels({ ...namespaced, version, ...Object.fromEntries(tagLabels) });
}
