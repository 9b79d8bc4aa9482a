import { MODEL_FAMILIES, type ModelFamily } from '../../packages/core/src/telemetry/metric-families.ts';
import { MetricsRegistry, type MetricsOptions } from '../../packages/core/src/telemetry/metrics.ts';
import { FAILURE_REASONS } from '../../packages/core/src/telemetry/statistics.ts';
import { code, GENERATED, page, table } from './markdown.ts';

const HEAD = ['name', 'type', 'labels', 'unit', 'what', 'when it is there'];

/** `docs/reference/metrics.md`: every metric. */
export async function metricsPage(): Promise<string> {
  const withCpu = await serverFamilies({ cpuMetrics: true });
  const without = await serverFamilies({ cpuMetrics: false });
  const alwaysThere = new Set(without.map(({ name }) => name));
  return page([
    GENERATED,
    '# Metrics',
    'At `/metrics` of `--metrics-port`, in the text format of Prometheus. A histogram has the samples `_bucket`, ' +
      '`_sum` and `_count`, a summary `_sum` and `_count`. Counters begin at 0 when a model version is loaded.',
    '## Of each model version',
    table(HEAD, MODEL_FAMILIES.map(modelRow)),
    'All of them also carry the `metric_tags` of the model, each with an underscore before its name. ' +
      `\`reason\` is one of ${FAILURE_REASONS.map(code).join(', ')}. Families that begin with \`nereid_\` are ` +
      'not among those of Triton.',
    '## Of the server',
    table(
      HEAD,
      withCpu.map(({ name, type, help }) => [
        code(name),
        type,
        '',
        unitOf(name, help),
        help,
        alwaysThere.has(name) ? 'always' : 'not with `--allow-cpu-metrics=false`',
      ]),
    ),
    'Backends add families of their own. Nothing is served with `--allow-metrics=false`. The switches of ' +
      '`--metrics-config` are among the [options](options.md).',
  ]);
}

interface PublishedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** What a server without models publishes. */
async function serverFamilies({
  cpuMetrics,
}: Pick<MetricsOptions, 'cpuMetrics'>): Promise<readonly PublishedFamily[]> {
  const options = {
    counterLatencies: true,
    histogramLatencies: true,
    summaryLatencies: true,
    summaryQuantiles: [],
    cpuMetrics,
    intervalMs: 1000,
  };
  const ignore = (): void => undefined;
  const logger = { info: ignore, warning: ignore, error: ignore, verbose: ignore };
  const text = await new MetricsRegistry(options, { logger }).render();
  return [...text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name = '', help = '', type = '']) => ({
      name,
      type,
      help,
    }),
  );
}

function modelRow(family: ModelFamily): readonly string[] {
  const { name, type, help } = family;
  const own = type === 'histogram' ? ['le'] : type === 'summary' ? ['quantile'] : [];
  const reason = name === 'nv_inference_request_failure' ? ['reason'] : [];
  const labels = ['model', 'version', ...reason, ...own].map(code).join(', ');
  return [code(name), type, labels, unitOf(name, help), help, whenOf(family)];
}

/** Units stand first in the description of times, and last in the names of sizes. */
function unitOf(name: string, help: string): string {
  const time = /^(Microseconds|Milliseconds|Seconds)\b/.exec(help)?.[1];
  if (time !== undefined) return time.toLowerCase();
  if (name.endsWith('_bytes')) return 'bytes';
  return name.endsWith('_utilization') ? '0 to 1' : 'count';
}

function whenOf({ when, responseCache }: ModelFamily): string {
  const switched: Readonly<Record<typeof when, string>> = {
    always: 'always',
    counterLatencies: 'not with `counter_latencies=false`',
    histogramLatencies: 'with `histogram_latencies=true`',
    summaryLatencies: 'with `summary_latencies=true`',
  };
  if (responseCache === undefined) return switched[when];
  const cache = `for models ${responseCache ? 'with' : 'without'} \`response_cache\``;
  return when === 'always' ? cache : `${cache}, ${switched[when]}`;
}
