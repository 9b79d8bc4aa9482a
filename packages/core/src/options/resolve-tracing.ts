/** Tracing: `--trace-config`. */
import type { InferenceServerError } from '@nereid/protocol';
import type { OpenTelemetryOptions, TraceLevel, TraceOptions } from '../telemetry/trace-settings.ts';
import type { Environment } from './command-line.ts';
import type { Settings } from './option-spec.ts';
import type { CompleteOptions } from './option-table.ts';
import { assertKnown, badSetting, parseInteger } from './setting-error.ts';

const OPTION = 'trace-config';

/** @throws InferenceServerError INVALID_ARG for a setting that is not known or a value it cannot have. */
export function resolveTracing({ traceConfig }: CompleteOptions, environment: Environment): TraceOptions {
  const { '': all = {}, triton = {}, opentelemetry = {}, ...others } = traceConfig;
  assertKnown(OPTION, all, ['level', 'rate', 'count', 'mode']);
  assertKnown(OPTION, triton, ['file', 'log-frequency']);
  assertKnown(OPTION, opentelemetry, ['url', 'resource', ...Object.keys(BATCHING)]);
  const [other] = Object.keys(others);
  if (other !== undefined) throw badMode(other);
  const isOtel = isOpenTelemetry(all['mode']);
  const unused = isOtel ? namesOf('triton', triton) : namesOf('opentelemetry', opentelemetry);
  return {
    levels: parseLevels(all['level'] ?? 'OFF'),
    rate: parseInteger(OPTION, 'rate', all['rate'] ?? '1000', {}),
    count: parseInteger(OPTION, 'count', all['count'] ?? '-1', { least: -1 }),
    logFrequency: parseInteger(OPTION, 'log-frequency', triton['log-frequency'] ?? '0', {}),
    file: triton['file'] ?? '',
    openTelemetry: isOtel ? resolveOpenTelemetry(opentelemetry, environment) : undefined,
    unused,
  };
}

function namesOf(mode: string, settings: Settings): readonly string[] {
  return Object.keys(settings).map((name) => `${mode},${name}`);
}

function isOpenTelemetry(mode = 'triton'): boolean {
  if (mode === 'triton') return false;
  if (mode === 'opentelemetry') return true;
  throw badMode(mode);
}

function badMode(found: string): InferenceServerError {
  return badSetting(OPTION, 'mode triton or opentelemetry', found);
}

/** Settings of the queue of spans: Triton's name, the variable that has a say, OpenTelemetry's default. */
const BATCHING = {
  bsp_max_queue_size: { variable: 'OTEL_BSP_MAX_QUEUE_SIZE', fallback: '2048' },
  bsp_schedule_delay: { variable: 'OTEL_BSP_SCHEDULE_DELAY', fallback: '5000' },
  bsp_max_export_batch_size: { variable: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', fallback: '512' },
} as const;

/** What is left out here is for OpenTelemetry's SDK to read from its other variables. */
function resolveOpenTelemetry(settings: Settings, environment: Environment): OpenTelemetryOptions {
  const read = (name: keyof typeof BATCHING): number => {
    const { variable, fallback } = BATCHING[name];
    return parseInteger(OPTION, name, settings[name] ?? environment[variable] ?? fallback, { least: 1 });
  };
  const maxQueueSize = read('bsp_max_queue_size');
  const maxExportBatchSize = read('bsp_max_export_batch_size');
  if (maxExportBatchSize > maxQueueSize) {
    const expected = `bsp_max_export_batch_size of at most bsp_max_queue_size (${maxQueueSize})`;
    throw badSetting(OPTION, expected, String(maxExportBatchSize));
  }
  return {
    url: settings['url'] === undefined ? undefined : parseUrl(settings['url']),
    resource: parseResource(settings['resource'] ?? ''),
    maxQueueSize,
    scheduleDelayMs: read('bsp_schedule_delay'),
    maxExportBatchSize,
  };
}

/** Triton's own examples leave `http://` away. */
function parseUrl(text: string): string {
  const url = /^https?:\/\//.test(text) ? text : `http://${text}`;
  if (URL.canParse(url)) return url;
  throw badSetting(OPTION, 'url as http://<host>:<port>/v1/traces', text);
}

/** `service.name=detector,zone=a` */
function parseResource(text: string): Readonly<Record<string, string>> {
  const pairs = text === '' ? [] : text.split(',');
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw badSetting(OPTION, 'resource=<name>=<value>', pair);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** OFF anywhere turns tracing off, as it does in Triton. */
function parseLevels(text: string): readonly TraceLevel[] {
  const names = text.split(',');
  const unknown = names.find((name) => !['OFF', 'TIMESTAMPS', 'TENSORS', 'MIN', 'MAX'].includes(name));
  if (unknown !== undefined) throw badSetting(OPTION, 'level OFF, TIMESTAMPS or TENSORS', unknown);
  if (names.includes('OFF')) return ['OFF'];
  const levels: TraceLevel[] = [];
  // MIN and MAX are Triton's names of old for TIMESTAMPS.
  if (names.some((name) => name !== 'TENSORS')) levels.push('TIMESTAMPS');
  if (names.includes('TENSORS')) levels.push('TENSORS');
  return levels;
}
