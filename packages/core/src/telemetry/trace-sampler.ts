import type { RequestTrace, SpanIds, TraceSink } from './request-trace.ts';
import type { TraceContext } from './trace-context.ts';
import { isTracing, type TraceValues } from './trace-settings.ts';

/** What samplers share. */
export interface SamplerParts {
  readonly now: () => number;
  nextId(): number;
  spanIds(context: TraceContext | undefined, parent: SpanIds | undefined): SpanIds | undefined;
  collect(sampler: Sampler, trace: RequestTrace): void;
}

/** The values in use for the server or one model, and the traces taken with them that are not written yet. */
export class Sampler implements TraceSink {
  readonly values: TraceValues;
  readonly isOn: boolean;
  readonly levels: TraceSink['levels'];
  readonly now: () => number;
  /** How many more traces are taken; -1: no limit. */
  remaining: number;
  readonly #parts: SamplerParts;
  #seen = 0;
  #texts: string[] = [];
  #length = 0;

  constructor(values: TraceValues, parts: SamplerParts) {
    this.values = values;
    this.isOn = isTracing(values.levels);
    this.levels = {
      timestamps: values.levels.includes('TIMESTAMPS'),
      tensors: values.levels.includes('TENSORS'),
    };
    this.remaining = values.count;
    this.now = parts.now;
    this.#parts = parts;
  }

  /** Traces that wait to be written. */
  get waitingCount(): number {
    return this.#texts.length;
  }

  /** Their characters. */
  get waitingLength(): number {
    return this.#length;
  }

  /** Whether this request is one to trace: each `rate`-th, until `count` have been. At rate 0 none is. */
  sample(): boolean {
    this.#seen += 1;
    const { rate } = this.values;
    if (this.remaining === 0 || rate === 0 || this.#seen % rate !== 0) return false;
    if (this.remaining > 0) this.remaining -= 1;
    return true;
  }

  add(text: string): void {
    this.#texts.push(text);
    this.#length += text.length;
  }

  /** The traces that wait; none do afterwards. */
  take(): readonly string[] {
    const texts = this.#texts;
    this.#texts = [];
    this.#length = 0;
    return texts;
  }

  nextId(): number {
    return this.#parts.nextId();
  }

  spanIds(context: TraceContext | undefined, parent: SpanIds | undefined): SpanIds | undefined {
    return this.#parts.spanIds(context, parent);
  }

  collect(trace: RequestTrace): void {
    this.#parts.collect(this, trace);
  }
}
