/** The options of log, metrics and tracing, as the parts of telemetry take them. */
import { InferenceServerError } from '@nereid/protocol';
import { didYouMean } from '@nereid/protocol/model-config';
import type { LogOptions } from '../telemetry/logger.ts';
import type { MetricsOptions, SummaryQuantile } from '../telemetry/metrics.ts';
import type { TraceLevel, TraceOptions } from '../telemetry/trace.ts';
import type { Environment } from './command-line.ts';
import type { Settings } from './option-spec.ts';
import type { CompleteOptions } from './option-table.ts';

const DEFAULT_QUANTILES = '0.5:0.05,0.9:0.01,0.95:0.001,0.99:0.001,0.999:0.001';

export function resolveLogging(options: CompleteOptions, environment: Environment): LogOptions {
  return {
    file: options.logFile,
    info: options.logInfo,
    warning: options.logWarning,
    error: options.logError,
    verboseLevel: options.logVerbose,
    format: options.logFormat,
    escapeMessages: environment['TRITON_SERVER_ESCAPE_LOG_MESSAGES'] !== '0',
  };
}

/** @throws InferenceServerError INVALID_ARG for a setting that is not known or a value it cannot have. */
export function resolveMetrics({
  metricsConfig,
  allowCpuMetrics,
  metricsIntervalMs,
}: CompleteOptions): MetricsOptions {
  const option = 'metrics-config';
  assertKnown(option, metricsConfig, [
    'counter_latencies',
    'histogram_latencies',
    'summary_latencies',
    'summary_quantiles',
  ]);
  const isOn = (name: string, fallback: boolean): boolean =>
    parseSwitch(option, name, metricsConfig[name], fallback);
  return {
    counterLatencies: isOn('counter_latencies', true),
    histogramLatencies: isOn('histogram_latencies', false),
    summaryLatencies: isOn('summary_latencies', false),
    summaryQuantiles: parseQuantiles(metricsConfig['summary_quantiles'] ?? DEFAULT_QUANTILES),
    cpuMetrics: allowCpuMetrics,
    intervalMs: metricsIntervalMs,
  };
}

/** @throws InferenceServerError INVALID_ARG for a bad setting, UNSUPPORTED for the mode opentelemetry. */
export function resolveTracing({ traceConfig }: CompleteOptions): TraceOptions {
  const { '': all = {}, triton = {}, ...others } = traceConfig;
  assertKnown('trace-config', all, ['level', 'rate', 'count', 'mode']);
  assertKnown('trace-config', triton, ['file', 'log-frequency']);
  assertTritonMode([all['mode'] ?? 'triton', ...Object.keys(others)]);
  return {
    levels: parseLevels(all['level'] ?? 'OFF'),
    rate: parseInteger('rate', all['rate'] ?? '1000', 0),
    count: parseInteger('count', all['count'] ?? '-1', -1),
    logFrequency: parseInteger('log-frequency', triton['log-frequency'] ?? '0', 0),
    file: triton['file'] ?? '',
  };
}

function assertTritonMode(modes: readonly string[]): void {
  for (const mode of modes) {
    if (mode === 'opentelemetry') {
      throw new InferenceServerError(
        'UNSUPPORTED',
        'option --trace-config: mode opentelemetry is not supported yet, use triton',
      );
    }
    if (mode !== 'triton') throw bad('trace-config', 'mode triton or opentelemetry', mode);
  }
}

/** OFF anywhere turns tracing off, as it does in Triton. */
function parseLevels(text: string): readonly TraceLevel[] {
  const names = text.split(',');
  const unknown = names.find((name) => !['OFF', 'TIMESTAMPS', 'TENSORS', 'MIN', 'MAX'].includes(name));
  if (unknown !== undefined) throw bad('trace-config', 'level OFF, TIMESTAMPS or TENSORS', unknown);
  if (names.includes('OFF')) return ['OFF'];
  const levels: TraceLevel[] = [];
  // MIN and MAX are Triton's names of old for TIMESTAMPS.
  if (names.some((name) => name !== 'TENSORS')) levels.push('TIMESTAMPS');
  if (names.includes('TENSORS')) levels.push('TENSORS');
  return levels;
}

function parseInteger(name: string, text: string, least: number): number {
  const value = /^-?\d+$/.test(text) ? Number(text) : NaN;
  if (value >= least && value < 2 ** 31) return value;
  throw bad('trace-config', `${name} as an integer from ${least} on`, text);
}

function parseSwitch(option: string, name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  const word = text.toLowerCase();
  if (word !== 'true' && word !== 'false') throw bad(option, `${name}=true or ${name}=false`, text);
  return word === 'true';
}

/** `0.5:0.05,0.9:0.01` */
function parseQuantiles(text: string): readonly SummaryQuantile[] {
  return text.split(',').map((pair) => {
    const [quantile = NaN, error = NaN] = pair.split(':').map(Number);
    const isShare = (value: number): boolean => value >= 0 && value <= 1;
    if (!isShare(quantile) || !isShare(error)) {
      throw bad('metrics-config', 'summary_quantiles=<quantile>:<error>,…, all from 0 to 1', pair);
    }
    return { quantile, error };
  });
}

function assertKnown(option: string, settings: Settings, known: readonly string[]): void {
  const unknown = Object.keys(settings).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const hint = didYouMean(unknown, known);
  throw new InferenceServerError(
    'INVALID_ARG',
    `option --${option}: expected a setting of ${known.join(', ')}, found '${unknown}'${hint}`,
  );
}

function bad(option: string, expected: string, found: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `option --${option}: expected ${expected}, found '${found}'`,
  );
}
