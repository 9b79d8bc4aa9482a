import type { Logger } from '@nereid/backend-sdk';
import { RequestTrace, type TracedRequest, type TraceSink } from './request-trace.ts';
import { TraceFile } from './trace-file.ts';
import {
  assertTraceable,
  isTracing,
  parseTraceUpdate,
  toTraceSettings,
  type TraceOptions,
  type TraceSettings,
  type TraceSettingsUpdate,
  type TraceValues,
  type TraceValuesUpdate,
} from './trace-settings.ts';

export { RequestTrace, type TracedRequest, type TraceTimestamp } from './request-trace.ts';
export type { TraceLevel, TraceOptions, TraceSettings, TraceSettingsUpdate } from './trace-settings.ts';

/** What the tracer works with. */
export interface TracerParts {
  readonly logger: Logger;
  /** Monotonic nanoseconds, the same as the server's clock. Default: those of `performance`. */
  readonly now?: () => number;
}

/** The values in use for the server or one model, and the traces taken with them. */
class Sampler {
  readonly values: TraceValues;
  readonly isOn: boolean;
  remaining: number;
  seen = 0;
  traces: string[] = [];

  constructor(values: TraceValues) {
    this.values = values;
    this.isOn = isTracing(values.levels);
    this.remaining = values.count;
  }

  /** Whether this request is one to trace: each `rate`-th, until `count` have been. */
  sample(): boolean {
    this.seen += 1;
    if (this.remaining === 0 || this.seen % this.values.rate !== 0) return false;
    if (this.remaining > 0) this.remaining -= 1;
    return true;
  }
}

/** A model's own values; what is undefined is the server's. */
type ModelValues = { readonly [K in keyof TraceValues]: TraceValues[K] | undefined };

/** Decides which requests are traced, and writes their traces: Triton's tracing in mode `triton`. */
export class Tracer {
  readonly #start: TraceValues;
  readonly #file: TraceFile;
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #modelValues = new Map<string, ModelValues>();
  readonly #models = new Map<string, Sampler>();
  #global: Sampler;
  #lastId = 0;

  /** @throws InferenceServerError INVALID_ARG when tracing is on but cannot be done. */
  constructor({ file, levels, rate, count, logFrequency }: TraceOptions, parts: TracerParts) {
    this.#start = { levels, rate, count, logFrequency };
    assertTraceable(this.#start, file);
    this.#file = new TraceFile(file, parts.logger);
    this.#logger = parts.logger;
    this.#now = parts.now ?? (() => Math.round(performance.now() * 1e6));
    this.#global = this.#createSampler(this.#start);
  }

  /** The trace that a request is to carry; undefined, at next to no cost, when it is not traced. */
  start(request: TracedRequest): RequestTrace | undefined {
    const sampler = this.#samplerOf(request.modelName);
    if (!sampler.isOn || !sampler.sample()) return undefined;
    const sink: TraceSink = {
      now: this.#now,
      nextId: () => ++this.#lastId,
      collect: (records) => this.#collect(sampler, records),
    };
    return new RequestTrace(request, sink);
  }

  /** @param model - undefined for the settings of the server. */
  settings(model?: string): TraceSettings {
    const { values, remaining } = model === undefined ? this.#global : this.#samplerOf(model);
    return toTraceSettings({ ...values, count: remaining }, this.#file.path);
  }

  /**
   * Changes the settings of the server or of one model. The traces taken so far are written.
   *
   * @param model - undefined for the settings of the server; whether the model exists is for the caller to know.
   * @returns The settings after the change.
   * @throws InferenceServerError UNSUPPORTED for `trace_file`; INVALID_ARG for what cannot be read or done.
   */
  update(model: string | undefined, update: TraceSettingsUpdate): TraceSettings {
    const change = parseTraceUpdate(update);
    if (model === undefined) this.#updateGlobal(change);
    else this.#updateModel(model, change);
    return this.settings(model);
  }

  /** Writes what is left. Requests that are still traced are lost. */
  async close(): Promise<void> {
    for (const sampler of [this.#global, ...this.#models.values()]) this.#flush(sampler);
    await this.#file.close();
  }

  #samplerOf(model: string): Sampler {
    return this.#models.size === 0 ? this.#global : (this.#models.get(model) ?? this.#global);
  }

  #updateGlobal(change: TraceValuesUpdate): void {
    const current = { ...this.#global.values, count: this.#global.remaining };
    const next = inherit(ownValues(change, current), this.#start);
    assertTraceable(next, this.#file.path);
    for (const own of this.#modelValues.values()) assertTraceable(inherit(own, next), this.#file.path);
    this.#flush(this.#global);
    this.#global = this.#createSampler(next);
    for (const model of this.#models.keys()) this.#updateModel(model, NO_CHANGE);
  }

  #updateModel(model: string, change: TraceValuesUpdate): void {
    const sampler = this.#models.get(model);
    const before = this.#modelValues.get(model) ?? NO_VALUES;
    // What is left of the model's own count, so that another change does not begin it anew.
    const count = before.count === undefined ? undefined : sampler?.remaining;
    const own = ownValues(change, { ...before, count });
    const values = inherit(own, { ...this.#global.values, count: this.#global.remaining });
    assertTraceable(values, this.#file.path);
    if (sampler !== undefined) this.#flush(sampler);
    if (Object.values(own).every((value) => value === undefined)) {
      this.#modelValues.delete(model);
      this.#models.delete(model);
      return;
    }
    this.#modelValues.set(model, own);
    this.#models.set(model, this.#createSampler(values));
  }

  #createSampler(values: TraceValues): Sampler {
    if (values.levels.includes('TENSORS')) {
      this.#logger.warning('trace level TENSORS is accepted, but the contents of tensors are not traced yet');
    }
    return new Sampler(values);
  }

  #collect(sampler: Sampler, records: readonly string[]): void {
    sampler.traces.push(records.join(',\n'));
    const { logFrequency } = sampler.values;
    const isFull = logFrequency !== 0 && sampler.traces.length >= logFrequency;
    if (isFull || sampler.remaining === 0 || !this.#isCurrent(sampler)) this.#flush(sampler);
  }

  #isCurrent(sampler: Sampler): boolean {
    return sampler === this.#global || [...this.#models.values()].includes(sampler);
  }

  #flush(sampler: Sampler): void {
    if (sampler.traces.length === 0) return;
    if (sampler.values.logFrequency === 0) this.#file.append(sampler.traces);
    else this.#file.writeNumbered(sampler.traces);
    sampler.traces = [];
  }
}

const NO_VALUES: ModelValues = {
  levels: undefined,
  rate: undefined,
  count: undefined,
  logFrequency: undefined,
};
const NO_CHANGE: TraceValuesUpdate = NO_VALUES;

/** What is set after a change: null takes a value away, undefined leaves it. */
function ownValues(change: TraceValuesUpdate, current: ModelValues): ModelValues {
  return {
    levels: change.levels === undefined ? current.levels : (change.levels ?? undefined),
    rate: change.rate === undefined ? current.rate : (change.rate ?? undefined),
    count: change.count === undefined ? current.count : (change.count ?? undefined),
    logFrequency:
      change.logFrequency === undefined ? current.logFrequency : (change.logFrequency ?? undefined),
  };
}

function inherit(own: ModelValues, above: TraceValues): TraceValues {
  return {
    levels: own.levels ?? above.levels,
    rate: own.rate ?? above.rate,
    count: own.count ?? above.count,
    logFrequency: own.logFrequency ?? above.logFrequency,
  };
}
