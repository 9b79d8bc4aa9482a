import { refuse, type ConfigCheck } from './check.ts';

/** Metric settings (CFG-34): a family and ascending buckets. */
export function checkModelMetrics(check: ConfigCheck): void {
  const { name, model_metrics: metrics } = check.config;
  for (const [at, control] of (metrics?.metric_control ?? []).entries()) {
    const path = `model_metrics.metric_control[${at}]`;
    if (control.metric_identifier === undefined) {
      refuse(check, path, `metric control must specify 'metric_identifier' for ${name}`);
    }
    const { family } = control.metric_identifier;
    if (family === '') {
      refuse(
        check,
        `${path}.metric_identifier`,
        `metric identifier must specify non-empty 'family' for ${name}`,
      );
    }
    if (control.histogram_options === undefined) {
      refuse(check, path, `metric control of '${family}' must specify 'histogram_options' for ${name}`);
    }
    const { buckets } = control.histogram_options;
    const bucketsPath = `${path}.histogram_options`;
    if (buckets.length === 0) {
      refuse(
        check,
        bucketsPath,
        `histogram options of '${family}' must specify non-empty 'buckets' for ${name}`,
      );
    }
    if (buckets.every((bound, i) => i === 0 || bound > (buckets[i - 1] ?? 0))) continue;
    const rule = `'buckets' of '${family}' must ascend for ${name}`;
    refuse(check, bucketsPath, `${rule}, found ${buckets.join(', ')}`);
  }
}
