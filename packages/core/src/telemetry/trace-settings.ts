import { InferenceServerError } from '@nereid/protocol';
import type { TraceSettingJson, TraceSettingUpdateJson } from '@nereid/protocol/http';

/** The trace settings as the trace extension shows them: numbers as text. */
export type TraceSettings = TraceSettingJson;

/** A change of trace settings: null goes back to the setting above; what is not known is passed over. */
export type TraceSettingsUpdate = TraceSettingUpdateJson & { readonly trace_file?: unknown };

/** What is traced. OFF stands alone. */
export type TraceLevel = 'OFF' | 'TIMESTAMPS' | 'TENSORS';

/** The settings that may be set for the server and again for each model. */
export interface TraceValues {
  readonly levels: readonly TraceLevel[];
  /** Each how many-th request is traced. */
  readonly rate: number;
  /** How many more traces are taken; -1: no limit. */
  readonly count: number;
  /** Traces a file; 0: all in one file, written when tracing is changed and at the end. */
  readonly logFrequency: number;
}

/** Where traces go. */
export type TraceTarget =
  | {
      readonly mode: 'triton';
      /** '' for none: tracing can then not be turned on. */
      readonly file: string;
    }
  | { readonly mode: 'opentelemetry' };

/** How tracing begins: `--trace-config`. */
export interface TraceOptions extends TraceValues {
  /** Of mode `triton`; '' for none: tracing can then not be turned on. */
  readonly file: string;
  /** Set in mode `opentelemetry`. */
  readonly openTelemetry: OpenTelemetryOptions | undefined;
  /** Settings that were given for the other mode, and so have no effect: `opentelemetry,url`. */
  readonly unused: readonly string[];
}

/** How spans are sent to a collector: `--trace-config=opentelemetry,…`. */
export interface OpenTelemetryOptions {
  /** undefined: what the variables `OTEL_EXPORTER_OTLP_*` say, or a collector on this machine. */
  readonly url: string | undefined;
  /** Attributes that say who sends, over those of the environment. */
  readonly resource: Readonly<Record<string, string>>;
  /** Spans that may wait to be sent; more are dropped. */
  readonly maxQueueSize: number;
  /** Milliseconds between two sendings. */
  readonly scheduleDelayMs: number;
  /** Most spans in one sending. */
  readonly maxExportBatchSize: number;
}

/** Changed values: null goes back to the level above, undefined stays. */
export type TraceValuesUpdate = { readonly [K in keyof TraceValues]: TraceValues[K] | null | undefined };

const KNOWN_LEVELS: readonly TraceLevel[] = ['TIMESTAMPS', 'TENSORS'];
const LEVELS: readonly string[] = ['OFF', ...KNOWN_LEVELS];
const UINT32_MAX = 2 ** 32 - 1;
const INT32_MAX = 2 ** 31 - 1;
const INT32_MIN = -(2 ** 31);

/** @throws InferenceServerError UNSUPPORTED for `trace_file`, INVALID_ARG naming the setting and its value. */
export function parseTraceUpdate(update: TraceSettingsUpdate): TraceValuesUpdate {
  if (update.trace_file !== undefined) {
    throw new InferenceServerError(
      'UNSUPPORTED',
      'trace file location can not be updated through network protocol',
    );
  }
  return {
    levels: parseLevels(update.trace_level),
    rate: parseUnlessClear(update.trace_rate, (text) => parseUint32('trace_rate', text)),
    count: parseUnlessClear(update.trace_count, parseTraceCount),
    logFrequency: parseUnlessClear(update.log_frequency, (text) => parseUint32('log_frequency', text)),
  };
}

/** What is wrong with a change without being an error: levels that are not known, as Triton has it. undefined: nothing. */
export function findUnknownLevels({ trace_level: names }: TraceSettingsUpdate): string | undefined {
  const unknown = (names ?? []).filter((name) => !LEVELS.includes(name));
  if (unknown.length === 0) return undefined;
  return `trace_level: ${unknown.map((name) => `'${name}'`).join(', ')} has no effect, expected ${LEVELS.join(', ')}`;
}

/** The settings as the extension shows them; those of files only where there are files. */
export function toTraceSettings(
  { levels, rate, count, logFrequency }: TraceValues,
  target: TraceTarget,
): TraceSettings {
  return {
    trace_level: levels,
    trace_rate: String(rate),
    trace_count: String(count),
    ...(target.mode === 'triton' && { log_frequency: String(logFrequency), trace_file: target.file }),
    trace_mode: target.mode,
  };
}

/** @throws InferenceServerError INVALID_ARG when tracing is on but cannot be done. */
export function assertTraceable({ levels, rate }: TraceValues, target: TraceTarget): void {
  if (!isTracing(levels)) return;
  if (rate === 0) throw invalid('sample rate must be non-zero');
  if (target.mode === 'triton' && target.file === '') throw invalid('trace file name is not given');
  if (target.mode === 'opentelemetry' && levels.includes('TENSORS'))
    throw invalid('level TENSORS is not supported in mode opentelemetry, use TIMESTAMPS');
}

/**
 * Turning tracing on with nothing left to trace is a mistake; that the count runs out while it is on is not.
 *
 * @throws InferenceServerError INVALID_ARG
 */
export function assertCounts(change: TraceValuesUpdate, { levels, count }: TraceValues): void {
  const turnsOn = change.levels !== undefined && change.levels !== null && isTracing(levels);
  if (turnsOn && count === 0) throw invalid('trace count must be non-zero');
}

function invalid(reason: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', `Attempting to set invalid trace setting :${reason}`);
}

/** Whether anything is traced at these levels. */
export function isTracing(levels: readonly TraceLevel[]): boolean {
  return !levels.includes('OFF');
}

/** Levels that are not known are passed over, as Triton does, which `findUnknownLevels` tells; an empty list clears the setting. */
function parseLevels(names: readonly string[] | null | undefined): readonly TraceLevel[] | null | undefined {
  if (names === undefined) return undefined;
  if (names === null || names.length === 0) return null;
  if (names.includes('OFF')) {
    if (names.length === 1) return ['OFF'];
    throw new InferenceServerError('INVALID_ARG', "Expect only one trace level 'OFF' is specified");
  }
  const levels = KNOWN_LEVELS.filter((level) => names.includes(level));
  return levels.length > 0 ? levels : undefined;
}

function parseUnlessClear<T>(
  text: string | null | undefined,
  parse: (text: string) => T,
): T | null | undefined {
  return typeof text === 'string' ? parse(text) : text;
}

/** A negative number counts down from 2^32: what Triton makes of it. */
function parseUint32(name: string, text: string): number {
  return parseInteger(name, text, { least: 0, most: UINT32_MAX }) >>> 0;
}

function parseTraceCount(text: string): number {
  const count = parseInteger('trace_count', text, { least: -1, most: INT32_MAX });
  if (count >= -1) return count;
  throw new InferenceServerError(
    'INVALID_ARG',
    `Unable to parse 'trace_count'. Expecting value >= -1, got:${text}`,
  );
}

/** Numbers below the range are for the caller to judge, down to those of 32 bits. */
function parseInteger(name: string, text: string, range: { least: number; most: number }): number {
  if (!/^\s*[+-]?\d+$/.test(text)) {
    throw new InferenceServerError('INVALID_ARG', `Unable to parse '${name}', got: ${text}`);
  }
  const value = Number(text);
  if (value >= INT32_MIN && value <= range.most) return value;
  throw new InferenceServerError(
    'INVALID_ARG',
    `Unable to parse '${name}', value is out of range [ ${range.least}, ${range.most} ], got: ${text}`,
  );
}
