import type { Logger } from '@nereid/backend-sdk';
import { RequestTrace, type TracedRequest } from './request-trace.ts';
import type { TraceExporter } from './trace-exporter.ts';
import { TraceFile } from './trace-file.ts';
import { formatTrace } from './trace-records.ts';
import { Sampler, type SamplerParts } from './trace-sampler.ts';
import {
  assertCounts,
  assertTraceable,
  findUnknownLevels,
  parseTraceUpdate,
  toTraceSettings,
  type TraceOptions,
  type TraceSettings,
  type TraceSettingsUpdate,
  type TraceTarget,
  type TraceValues,
  type TraceValuesUpdate,
} from './trace-settings.ts';

export { parseTraceContext, type ContextHeaders, type TraceContext } from './trace-context.ts';
export { logFieldsOf, RequestTrace, type TracedRequest, type TraceTimestamp } from './request-trace.ts';
export type { TraceLevel, TraceOptions, TraceSettings, TraceSettingsUpdate } from './trace-settings.ts';

/** Characters of traces that wait for their file to be full, or for the end, before they are written all the same. */
const MOST_WAITING = 4 << 20;

/** What the tracer works with. */
export interface TracerParts {
  readonly logger: Logger;
  /** Where traces go in place of a file: mode `opentelemetry`. */
  readonly exporter?: TraceExporter | undefined;
  /** Monotonic nanoseconds, the same as the server's clock. Default: those of `performance`. */
  readonly now?: () => number;
}

/** A model's own values; what is undefined is the server's. */
type ModelValues = { readonly [K in keyof TraceValues]: TraceValues[K] | undefined };

/** Decides which requests are traced, and sees to it that their traces are written or exported. */
export class Tracer {
  readonly #logger: Logger;
  readonly #start: TraceValues;
  readonly #target: TraceTarget;
  readonly #file: TraceFile;
  readonly #exporter: TraceExporter | undefined;
  readonly #samplerParts: SamplerParts;
  readonly #modelValues = new Map<string, ModelValues>();
  readonly #models = new Map<string, Sampler>();
  #global: Sampler;
  #isOn: boolean;
  #lastId = 0;

  /** @throws InferenceServerError INVALID_ARG when tracing is on but cannot be done. */
  constructor({ file, levels, rate, count, logFrequency }: TraceOptions, parts: TracerParts) {
    const { exporter, now = () => Math.round(performance.now() * 1e6) } = parts;
    this.#logger = parts.logger;
    this.#start = { levels, rate, count, logFrequency };
    this.#exporter = exporter;
    this.#target = exporter === undefined ? { mode: 'triton', file } : { mode: 'opentelemetry' };
    this.#file = new TraceFile(file, parts.logger);
    this.#samplerParts = {
      now,
      nextId: () => ++this.#lastId,
      spanIds: (context, parent) => exporter?.spanIds(context, parent),
      collect: (sampler, trace) => this.#collect(sampler, trace),
    };
    // Rate 0 at the start is a way to trace only what comes with a context of its own.
    const isContextOnly = exporter !== undefined && rate === 0;
    assertTraceable(isContextOnly ? { ...this.#start, rate: 1 } : this.#start, this.#target);
    this.#global = this.#createSampler(this.#start);
    this.#isOn = this.#global.isOn;
  }

  /** Whether any request may be traced: when not, there is nothing to look for in its headers. */
  get isOn(): boolean {
    return this.#isOn;
  }

  /**
   * The trace that a request is to carry; undefined, at next to no cost, when it is not traced. One that comes with a
   * context is traced whatever the rate, if traces are exported.
   */
  start(request: TracedRequest): RequestTrace | undefined {
    const sampler = this.#samplerOf(request.modelName);
    if (!sampler.isOn) return undefined;
    const isSampled = sampler.sample();
    const isForced = request.context !== undefined && this.#exporter !== undefined;
    return isSampled || isForced ? new RequestTrace(request, sampler) : undefined;
  }

  /** @param model - undefined for the settings of the server. */
  settings(model?: string): TraceSettings {
    const { values, remaining } = model === undefined ? this.#global : this.#samplerOf(model);
    return toTraceSettings({ ...values, count: remaining }, this.#target);
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
    const unknown = findUnknownLevels(update);
    if (unknown !== undefined) this.#logger.warning(unknown);
    if (model === undefined) this.#updateGlobal(change);
    else this.#updateModel(model, change);
    this.#isOn = [this.#global, ...this.#models.values()].some(({ isOn }) => isOn);
    return this.settings(model);
  }

  /** Writes or sends what is left. Requests that are still traced are lost. */
  async close(): Promise<void> {
    for (const sampler of [this.#global, ...this.#models.values()]) this.#flush(sampler);
    await this.#file.close();
    await this.#exporter?.close();
  }

  #samplerOf(model: string): Sampler {
    return this.#models.size === 0 ? this.#global : (this.#models.get(model) ?? this.#global);
  }

  #updateGlobal(change: TraceValuesUpdate): void {
    const current = { ...this.#global.values, count: this.#global.remaining };
    const next = inherit(ownValues(change, current), this.#start);
    assertTraceable(next, this.#target);
    assertCounts(change, next);
    for (const own of this.#modelValues.values()) assertTraceable(inherit(own, next), this.#target);
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
    assertTraceable(values, this.#target);
    assertCounts(change, values);
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
    return new Sampler(values, this.#samplerParts);
  }

  #collect(sampler: Sampler, trace: RequestTrace): void {
    if (this.#exporter !== undefined) {
      this.#exporter.export(trace);
      return;
    }
    sampler.add(formatTrace(trace));
    const { logFrequency } = sampler.values;
    const isFull = logFrequency !== 0 && sampler.waitingCount >= logFrequency;
    const isMuch = sampler.waitingLength >= MOST_WAITING;
    if (isFull || isMuch || sampler.remaining === 0 || !this.#isCurrent(sampler)) this.#flush(sampler);
  }

  #isCurrent(sampler: Sampler): boolean {
    return sampler === this.#global || [...this.#models.values()].includes(sampler);
  }

  #flush(sampler: Sampler): void {
    if (sampler.waitingCount === 0) return;
    if (sampler.values.logFrequency === 0) this.#file.append(sampler.take());
    else this.#file.writeNumbered(sampler.take());
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
