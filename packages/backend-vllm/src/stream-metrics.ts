import type { Counter, Histogram, MetricFactory, MetricLabels } from '@nereid/backend-sdk';

/** OpenTelemetry's buckets for `gen_ai.server.time_to_first_token`, in seconds. */
const FIRST_TOKEN_BUCKETS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
/** OpenTelemetry's for `gen_ai.server.time_per_output_token`. */
const TOKEN_BUCKETS = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
/** OpenTelemetry's for `gen_ai.server.request.duration`. */
const DURATION_BUCKETS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
];

/** Tokens of a request, at its end. */
export interface UsedTokens {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

/** Follows one request. */
export interface StreamTimes {
  /** Data of a stream came that brought so many tokens, as far as that shows; `now` is `performance.now()`. */
  onData(tokens: number, now: number): void;
  onEnd(used: UsedTokens): void;
}

/** Histograms and counters of a model version's requests; made when it is loaded, so that a token costs one look-up less. */
export class StreamMetrics {
  readonly firstToken: Histogram;
  readonly perToken: Histogram;
  readonly gap: Histogram;
  readonly duration: Histogram;
  readonly inputTokens: Counter;
  readonly outputTokens: Counter;
  readonly #failovers: Counter;

  constructor(metrics: MetricFactory, labels: MetricLabels) {
    const histogram = (name: string, description: string, buckets: readonly number[]): Histogram =>
      metrics.histogram({ name: `gen_ai_server_${name}_seconds`, description, buckets }, labels);
    const counter = (name: string, description: string): Counter =>
      metrics.counter({ name: `nereid_llm_${name}`, description }, labels);
    this.firstToken = histogram(
      'time_to_first_token',
      'Time until the first data of an answer came from the engine, the wait for a place included',
      FIRST_TOKEN_BUCKETS,
    );
    this.perToken = histogram(
      'time_per_output_token',
      'Mean time between the tokens of an answer, without the first',
      TOKEN_BUCKETS,
    );
    this.gap = histogram(
      'inter_token_latency',
      'Time between one token of a stream and the next',
      TOKEN_BUCKETS,
    );
    this.duration = histogram(
      'request_duration',
      'Time from a request to the end of its answer',
      DURATION_BUCKETS,
    );
    this.inputTokens = counter('input_tokens_total', 'Tokens of prompts, as engines counted them');
    this.outputTokens = counter('output_tokens_total', 'Tokens of answers, as engines counted them');
    this.#failovers = counter(
      'failovers_total',
      'Requests that went to another engine before they had an answer',
    );
  }

  begin(): StreamTimes {
    return new Times(this);
  }

  countFailover(): void {
    this.#failovers.increment();
  }
}

const MS_PER_SECOND = 1000;

class Times implements StreamTimes {
  readonly #metrics: StreamMetrics;
  readonly #start = performance.now();
  #first = 0;
  #last = 0;
  #tokens = 0;

  constructor(metrics: StreamMetrics) {
    this.#metrics = metrics;
  }

  onData(tokens: number, now: number): void {
    // An answer that comes whole has no first token.
    if (tokens === 0) return;
    if (this.#first === 0) {
      this.#first = now;
      this.#metrics.firstToken.observe((now - this.#start) / MS_PER_SECOND);
    } else {
      this.#metrics.gap.observe((now - this.#last) / MS_PER_SECOND);
    }
    // Tokens of one read have no time between them.
    for (let more = 1; more < tokens; more += 1) this.#metrics.gap.observe(0);
    this.#tokens += tokens;
    this.#last = now;
  }

  onEnd({ promptTokens, completionTokens }: UsedTokens): void {
    const { perToken, duration, inputTokens, outputTokens } = this.#metrics;
    const generated = completionTokens > 0 ? completionTokens : this.#tokens;
    if (this.#tokens > 1 && generated > 1) {
      perToken.observe((this.#last - this.#first) / MS_PER_SECOND / (generated - 1));
    }
    duration.observe((performance.now() - this.#start) / MS_PER_SECOND);
    if (promptTokens > 0) inputTokens.increment(promptTokens);
    if (generated > 0) outputTokens.increment(generated);
  }
}
