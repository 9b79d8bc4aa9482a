/** What a load generator saw. */
export interface LoadResult {
  readonly requestsPerSecond: number;
  /** Median latency in microseconds. */
  readonly p50Us: number;
  /** Requests that were not answered with success. */
  readonly errors: number;
}

/** A closed loop: each connection sends its next request when the last one is answered. */
export interface LoadShape {
  readonly connections: number;
  readonly seconds: number;
}

/** The one HTTP request that is sent over and over, with POST. */
export interface HttpTarget {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** The one ModelInfer request that is sent over and over. */
export interface GrpcTarget {
  /** host:port */
  readonly address: string;
  /** A serialised ModelInferRequest. */
  readonly message: Uint8Array;
}

/** Makes load of one kind. */
export interface LoadGenerator<Target> {
  /** With its version. */
  readonly name: string;
  /** The largest request that it can send. Default: any. */
  readonly maxByteSize?: number;
  run(target: Target, shape: LoadShape): Promise<LoadResult>;
}

/** Sums latencies (milliseconds) up. */
export function summarize(latenciesMs: readonly number[], seconds: number, errors: number): LoadResult {
  const sorted = Float64Array.from(latenciesMs).sort();
  const p50Us = (sorted[Math.floor((sorted.length - 1) / 2)] ?? 0) * 1000;
  return { requestsPerSecond: sorted.length / seconds, p50Us, errors };
}
