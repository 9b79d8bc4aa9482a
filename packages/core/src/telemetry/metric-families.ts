/** The server's metric families of a model version: Triton's names, labels and units, in one table. */
import type { Family } from './exposition.ts';
import type { DurationStatistic } from './duration-statistic.ts';
import type { Histogram } from './histogram.ts';
import type { LatencySummaries } from './latency-summaries.ts';
import { FAILURE_REASONS, type ModelStatistics } from './statistics.ts';
import type { Summary } from './summary.ts';

/** When a family is published: always, or with one of the switches of `--metrics-config`. */
type FamilySwitch = 'always' | 'counterLatencies' | 'histogramLatencies' | 'summaryLatencies';

interface ModelFamilyBase extends Family {
  readonly when: FamilySwitch;
  /** Only for models whose responses are cached (true), or are not (false). */
  readonly responseCache?: boolean;
}

/** A family with samples for each model version. */
export type ModelFamily =
  | (ModelFamilyBase & {
      readonly type: 'counter' | 'gauge';
      readonly samples: (s: ModelStatistics) => readonly LabelledValue[];
    })
  | (ModelFamilyBase & {
      readonly type: 'histogram';
      readonly histogram: (s: ModelStatistics) => Histogram;
      readonly perUnit: number;
    })
  | (ModelFamilyBase & { readonly type: 'summary'; readonly summary: (s: LatencySummaries) => Summary });

/** A value with the labels it has beside those of its model. */
export interface LabelledValue {
  readonly labels: string;
  readonly value: number;
}

export const MODEL_FAMILIES: readonly ModelFamily[] = [
  counter(
    'nv_inference_request_success',
    'Requests that were answered, each batch sent by a client counting as one',
    (s) => s.success.count,
  ),
  {
    name: 'nv_inference_request_failure',
    help: 'Requests that failed, by reason',
    type: 'counter',
    when: 'always',
    samples: (s) =>
      FAILURE_REASONS.map((reason) => ({ labels: `reason="${reason}"`, value: s.failures[reason] })),
  },
  counter(
    'nv_inference_count',
    'Inferences: the sizes of all executed batches together',
    (s) => s.inferenceCount,
  ),
  counter('nv_inference_exec_count', 'Executions of the model, each of one batch', (s) => s.executionCount),
  gauge('nv_inference_pending_request_count', 'Requests that wait for their execution', (s) => s.pending),
  gauge('nv_model_load_duration_secs', 'Seconds that loading the model took', (s) => s.loadSeconds),
  latency(
    'nv_inference_request_duration_us',
    'Microseconds from arrival to answer, of all requests together',
    (s) => s.success,
  ),
  latency(
    'nv_inference_queue_duration_us',
    'Microseconds that requests waited in the queue, together',
    (s) => s.queue,
  ),
  latency(
    'nv_inference_compute_input_duration_us',
    'Microseconds spent on preparing inputs, together',
    (s) => s.computeInput,
  ),
  latency(
    'nv_inference_compute_infer_duration_us',
    'Microseconds spent on executing the model, together',
    (s) => s.computeInfer,
  ),
  latency(
    'nv_inference_compute_output_duration_us',
    'Microseconds spent on extracting outputs, together',
    (s) => s.computeOutput,
  ),
  {
    name: 'nv_inference_first_response_histogram_ms',
    help: 'Milliseconds from the start of a request to its first response',
    type: 'histogram',
    when: 'histogramLatencies',
    histogram: (s) => s.firstResponseHistogram,
    perUnit: 1,
  },
  seconds('nereid_request_duration_seconds', 'Seconds from arrival to answer', (s) => s.requestHistogram),
  seconds(
    'nereid_queue_duration_seconds',
    'Seconds that a request waited in the queue',
    (s) => s.queueHistogram,
  ),
  summary('nv_inference_request_summary_us', 'Microseconds from arrival to answer', (s) => s.request, {
    responseCache: false,
  }),
  summary('nv_inference_queue_summary_us', 'Microseconds that a request waited in the queue', (s) => s.queue),
  summary(
    'nv_inference_compute_input_summary_us',
    'Microseconds spent on preparing inputs',
    (s) => s.computeInput,
  ),
  summary(
    'nv_inference_compute_infer_summary_us',
    'Microseconds spent on executing the model',
    (s) => s.computeInfer,
  ),
  summary(
    'nv_inference_compute_output_summary_us',
    'Microseconds spent on extracting outputs',
    (s) => s.computeOutput,
  ),
  {
    ...counter(
      'nv_cache_num_hits_per_model',
      'Requests answered from the response cache',
      (s) => s.cacheHit.count,
    ),
    responseCache: true,
  },
  {
    ...counter(
      'nv_cache_num_misses_per_model',
      'Requests not found in the response cache',
      (s) => s.cacheMiss.count,
    ),
    responseCache: true,
  },
  {
    ...latency(
      'nv_cache_hit_duration_per_model',
      'Microseconds spent on hits of the response cache, together',
      (s) => s.cacheHit,
    ),
    responseCache: true,
  },
  {
    ...latency(
      'nv_cache_miss_duration_per_model',
      'Microseconds spent on misses of the response cache, together',
      (s) => s.cacheMiss,
    ),
    responseCache: true,
  },
  summary(
    'nv_cache_hit_summary_per_model',
    'Microseconds of a hit of the response cache',
    (s) => s.cacheHit,
    { responseCache: true },
  ),
  summary(
    'nv_cache_miss_summary_per_model',
    'Microseconds of a miss of the response cache',
    (s) => s.cacheMiss,
    { responseCache: true },
  ),
];

function counter(name: string, help: string, value: (s: ModelStatistics) => number): ModelFamily {
  return { name, help, type: 'counter', when: 'always', samples: (s) => [{ labels: '', value: value(s) }] };
}

function gauge(name: string, help: string, value: (s: ModelStatistics) => number): ModelFamily {
  return { name, help, type: 'gauge', when: 'always', samples: (s) => [{ labels: '', value: value(s) }] };
}

function latency(
  name: string,
  help: string,
  duration: (s: ModelStatistics) => DurationStatistic,
): ModelFamily {
  const value = (s: ModelStatistics): number => Math.floor(duration(s).ns / 1000);
  return { ...counter(name, help, value), when: 'counterLatencies' };
}

function seconds(name: string, help: string, histogram: (s: ModelStatistics) => Histogram): ModelFamily {
  return { name, help, type: 'histogram', when: 'always', histogram, perUnit: 1e9 };
}

function summary(
  name: string,
  help: string,
  summaryOf: (s: LatencySummaries) => Summary,
  only: { readonly responseCache?: boolean } = {},
): ModelFamily {
  return { name, help, type: 'summary', when: 'summaryLatencies', summary: summaryOf, ...only };
}
