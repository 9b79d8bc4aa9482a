/** The options of log and metrics, as the parts of telemetry take them. */
import type { LogOptions } from '../telemetry/logger.ts';
import type { MetricsOptions, SummaryQuantile } from '../telemetry/metrics.ts';
import type { Environment } from './command-line.ts';
import type { CompleteOptions } from './option-table.ts';
import { assertKnown, badSetting } from './setting-error.ts';

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

function parseSwitch(option: string, name: string, text: string | undefined, fallback: boolean): boolean {
  if (text === undefined) return fallback;
  const word = text.toLowerCase();
  if (word !== 'true' && word !== 'false') throw badSetting(option, `${name}=true or ${name}=false`, text);
  return word === 'true';
}

/** `0.5:0.05,0.9:0.01` */
function parseQuantiles(text: string): readonly SummaryQuantile[] {
  return text.split(',').map((pair) => {
    const [quantile = NaN, error = NaN] = pair.split(':').map(Number);
    const isShare = (value: number): boolean => value >= 0 && value <= 1;
    if (!isShare(quantile) || !isShare(error)) {
      throw badSetting('metrics-config', 'summary_quantiles=<quantile>:<error>,…, all from 0 to 1', pair);
    }
    return { quantile, error };
  });
}
