import { Summary } from './summary.ts';

/** The summaries of one model version, in microseconds. */
export class LatencySummaries {
  readonly request: Summary;
  readonly queue: Summary;
  readonly computeInput: Summary;
  readonly computeInfer: Summary;
  readonly computeOutput: Summary;
  readonly cacheHit: Summary;
  readonly cacheMiss: Summary;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    const now = nowMs();
    this.#nowMs = nowMs;
    this.request = new Summary(now);
    this.queue = new Summary(now);
    this.computeInput = new Summary(now);
    this.computeInfer = new Summary(now);
    this.computeOutput = new Summary(now);
    this.cacheHit = new Summary(now);
    this.cacheMiss = new Summary(now);
  }

  /** Durations of one request, in nanoseconds. */
  observe(requestNs: number, queueNs: number, inputNs: number, inferNs: number, outputNs: number): void {
    const now = this.#nowMs();
    this.request.observe(requestNs / 1000, now);
    this.queue.observe(queueNs / 1000, now);
    this.computeInput.observe(inputNs / 1000, now);
    this.computeInfer.observe(inferNs / 1000, now);
    this.computeOutput.observe(outputNs / 1000, now);
  }

  observeCacheHit(lookupNs: number): void {
    this.cacheHit.observe(lookupNs / 1000, this.#nowMs());
  }

  observeCacheMiss(lookupAndInsertNs: number): void {
    this.cacheMiss.observe(lookupAndInsertNs / 1000, this.#nowMs());
  }
}
