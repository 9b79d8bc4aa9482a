import type { Logger } from '@nereid/backend-sdk';
import { Tracer, type TraceOptions } from './trace.ts';

/**
 * The tracer of a server. Only mode `opentelemetry` loads OpenTelemetry's SDK.
 *
 * @throws InferenceServerError INVALID_ARG when tracing is on but cannot be done.
 */
export async function createTracer(
  options: TraceOptions,
  parts: { readonly logger: Logger; readonly serverVersion: string },
): Promise<Tracer> {
  const mode = options.openTelemetry === undefined ? 'triton' : 'opentelemetry';
  for (const setting of options.unused)
    parts.logger.warning(`--trace-config=${setting} has no effect with mode=${mode}`);
  if (options.openTelemetry === undefined) return new Tracer(options, parts);
  const { createOpenTelemetryExporter } = await import('./open-telemetry-exporter.ts');
  return new Tracer(options, {
    ...parts,
    exporter: createOpenTelemetryExporter(options.openTelemetry, parts),
  });
}
