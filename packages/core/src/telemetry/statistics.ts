import type {
  BatchStatisticsJson,
  ModelStatisticsEntryJson,
  ResponseStatisticsJson,
} from '@nereid/protocol/http';
import type { ModelMetrics } from '@nereid/protocol/model-config';
import { DurationStatistic } from './duration-statistic.ts';
import { Histogram } from './histogram.ts';
import type { LatencySummaries } from './latency-summaries.ts';

/** Why a request failed: the values of the `reason` label. */
export const FAILURE_REASONS = ['REJECTED', 'CANCELED', 'BACKEND', 'OTHER'] as const;

/** One of {@link FAILURE_REASONS}. REJECTED: by the queue; BACKEND: the execution failed. */
export type FailureReason = (typeof FAILURE_REASONS)[number];

/** Which model version is counted. */
export interface ModelStatisticsFields {
  readonly model: string;
  /** '' for none, which is also the default. */
  readonly namespace?: string;
  readonly version: string;
  /** `metric_tags` of the configuration. */
  readonly tags: Readonly<Record<string, string>>;
  /** Whether the model's responses are cached. */
  readonly responseCache: boolean;
  /** `model_metrics` of the configuration. */
  readonly modelMetrics?: ModelMetrics | undefined;
}

/** One response of a decoupled model. Durations in nanoseconds. */
export interface ResponseOutcome {
  readonly computeInferNs: number;
  readonly computeOutputNs: number;
  readonly outcome: 'success' | 'fail' | 'empty' | 'cancel';
}

const FIRST_RESPONSE_FAMILY = 'nv_inference_first_response_histogram_ms';
const FIRST_RESPONSE_BOUNDS_MS = [100, 500, 2000, 5000];
const LATENCY_BOUNDS_NS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 10_000].map(
  (ms) => ms * 1e6,
);

class BatchStatistics {
  readonly computeInput = new DurationStatistic();
  readonly computeInfer = new DurationStatistic();
  readonly computeOutput = new DurationStatistic();
}

class ResponseStatistics {
  readonly computeInfer = new DurationStatistic();
  readonly computeOutput = new DurationStatistic();
  readonly success = new DurationStatistic();
  readonly fail = new DurationStatistic();
  readonly empty = new DurationStatistic();
  readonly cancel = new DurationStatistic();
}

/** Places of responses that are counted apart: answers of language models have thousands, and nobody would read as many. */
const MOST_PLACES = 1024;

/**
 * What one model version has done: counts and durations in nanoseconds since it was loaded. Both the statistics
 * extension and the metrics read them; counting allocates nothing once a batch size has been seen.
 */
export class ModelStatistics {
  readonly model: string;
  /** '' for none. */
  readonly namespace: string;
  readonly version: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly responseCache: boolean;
  /** Requests that wait in the scheduler, which counts them up and down. */
  pending = 0;
  /** How long the model took to load. */
  loadSeconds = 0;
  /** Milliseconds since the epoch; 0: no inference yet. */
  lastInferenceMs = 0;
  inferenceCount = 0;
  executionCount = 0;
  readonly success = new DurationStatistic();
  readonly fail = new DurationStatistic();
  readonly queue = new DurationStatistic();
  readonly computeInput = new DurationStatistic();
  readonly computeInfer = new DurationStatistic();
  readonly computeOutput = new DurationStatistic();
  readonly cacheHit = new DurationStatistic();
  readonly cacheMiss = new DurationStatistic();
  readonly failures: Record<FailureReason, number> = { REJECTED: 0, CANCELED: 0, BACKEND: 0, OTHER: 0 };
  /** In nanoseconds. */
  readonly requestHistogram = new Histogram(LATENCY_BOUNDS_NS);
  /** In nanoseconds. */
  readonly queueHistogram = new Histogram(LATENCY_BOUNDS_NS);
  /** In milliseconds. */
  readonly firstResponseHistogram: Histogram;
  /** There while summaries are published. */
  summaries: LatencySummaries | undefined = undefined;
  readonly #batches = new Map<number, BatchStatistics>();
  readonly #responses: ResponseStatistics[] = [];

  constructor({ model, namespace = '', version, tags, responseCache, modelMetrics }: ModelStatisticsFields) {
    this.model = model;
    this.namespace = namespace;
    this.version = version;
    this.tags = tags;
    this.responseCache = responseCache;
    this.firstResponseHistogram = new Histogram(firstResponseBounds(modelMetrics));
  }

  /** A batch was executed: its inferences count too. */
  recordExecution(batchSize: number, inputNs: number, inferNs: number, outputNs: number): void {
    this.#countExecution(batchSize, inputNs, inferNs, outputNs);
    this.inferenceCount += batchSize;
  }

  /** A batch was executed in vain: the execution counts, the inferences do not. */
  recordFailedExecution(batchSize: number, inputNs: number, inferNs: number, outputNs: number): void {
    this.#countExecution(batchSize, inputNs, inferNs, outputNs);
  }

  /** A request was answered by the model; the last three durations are those of its batch. */
  recordSuccess(
    requestNs: number,
    queueNs: number,
    inputNs: number,
    inferNs: number,
    outputNs: number,
  ): void {
    this.success.add(requestNs);
    this.queue.add(queueNs);
    this.computeInput.add(inputNs);
    this.computeInfer.add(inferNs);
    this.computeOutput.add(outputNs);
    this.requestHistogram.observe(requestNs);
    this.queueHistogram.observe(queueNs);
    this.summaries?.observe(requestNs, queueNs, inputNs, inferNs, outputNs);
  }

  recordFailure(requestNs: number, reason: FailureReason): void {
    this.fail.add(requestNs);
    this.failures[reason] += 1;
  }

  /** @param index - Place of the response among those of its request. */
  recordResponse(index: number, { computeInferNs, computeOutputNs, outcome }: ResponseOutcome): void {
    const statistics = this.#responseAt(index);
    const totalNs = computeInferNs + computeOutputNs;
    statistics[outcome].add(totalNs);
    statistics.computeInfer.add(computeInferNs);
    if (outcome !== 'empty') statistics.computeOutput.add(computeOutputNs);
  }

  /** A request was answered from the response cache: a success without execution. */
  recordCacheHit(requestNs: number, lookupNs: number): void {
    this.lastInferenceMs = Date.now();
    this.success.add(requestNs);
    this.queue.add(0);
    this.cacheHit.add(lookupNs);
    this.requestHistogram.observe(requestNs);
    this.summaries?.observeCacheHit(lookupNs);
  }

  /** A request was not found in the response cache; the success counts when it is answered. */
  recordCacheMiss(lookupAndInsertNs: number): void {
    this.cacheMiss.add(lookupAndInsertNs);
    this.summaries?.observeCacheMiss(lookupAndInsertNs);
  }

  /** Time from the start of a request to its first response. */
  recordFirstResponse(ns: number): void {
    this.firstResponseHistogram.observe(ns / 1e6);
  }

  toJson(): ModelStatisticsEntryJson {
    return {
      name: this.model,
      ...(this.namespace !== '' && { namespace: this.namespace }),
      version: this.version,
      last_inference: this.lastInferenceMs,
      inference_count: this.inferenceCount,
      execution_count: this.executionCount,
      inference_stats: {
        success: this.success.toJson(),
        fail: this.fail.toJson(),
        queue: this.queue.toJson(),
        compute_input: this.computeInput.toJson(),
        compute_infer: this.computeInfer.toJson(),
        compute_output: this.computeOutput.toJson(),
        cache_hit: this.cacheHit.toJson(),
        cache_miss: this.cacheMiss.toJson(),
      },
      response_stats: Object.fromEntries(this.#responses.map((response, i) => [i, responseToJson(response)])),
      batch_stats: [...this.#batches]
        .sort(([a], [b]) => a - b)
        .map(([size, batch]) => batchToJson(size, batch)),
      memory_usage: [],
    };
  }

  #countExecution(batchSize: number, inputNs: number, inferNs: number, outputNs: number): void {
    this.executionCount += 1;
    this.lastInferenceMs = Date.now();
    let batch = this.#batches.get(batchSize);
    if (batch === undefined) {
      batch = new BatchStatistics();
      this.#batches.set(batchSize, batch);
    }
    batch.computeInput.add(inputNs);
    batch.computeInfer.add(inferNs);
    batch.computeOutput.add(outputNs);
  }

  #responseAt(index: number): ResponseStatistics {
    const responses = this.#responses;
    const place = Math.min(index, MOST_PLACES - 1);
    for (;;) {
      const found = responses[place];
      if (found !== undefined) return found;
      responses.push(new ResponseStatistics());
    }
  }
}

/** Bucket bounds that `model_metrics` sets for the first response, or Triton's. */
function firstResponseBounds(metrics: ModelMetrics | undefined): readonly number[] {
  const control = metrics?.metric_control.find((c) => c.metric_identifier?.family === FIRST_RESPONSE_FAMILY);
  const buckets = control?.histogram_options?.buckets ?? [];
  return buckets.length > 0 ? buckets : FIRST_RESPONSE_BOUNDS_MS;
}

function batchToJson(size: number, batch: BatchStatistics): BatchStatisticsJson {
  return {
    batch_size: size,
    compute_input: batch.computeInput.toJson(),
    compute_infer: batch.computeInfer.toJson(),
    compute_output: batch.computeOutput.toJson(),
  };
}

function responseToJson(response: ResponseStatistics): ResponseStatisticsJson {
  return {
    compute_infer: response.computeInfer.toJson(),
    compute_output: response.computeOutput.toJson(),
    success: response.success.toJson(),
    fail: response.fail.toJson(),
    empty_response: response.empty.toJson(),
    cancel: response.cancel.toJson(),
  };
}
