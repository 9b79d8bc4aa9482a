import { InferenceServerError } from '@nereid/protocol';
import { GRPCInferenceService, type TraceSettingRequest } from '@nereid/protocol/gen';
import type { TraceSettings, TraceSettingsUpdate } from '../../telemetry/trace.ts';
import type { GrpcServices } from './grpc-services.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

/** Settings with one value; `trace_level` is the only list. Settings that are not known are passed over. */
const SINGLE_VALUES = ['trace_rate', 'trace_count', 'log_frequency'] as const;

/** TraceSetting: reads the settings and, where some are given, changes them first. */
export function traceRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  return [
    unaryRpc(services, GRPCInferenceService.method.traceSetting, ({ modelName, settings }) => {
      const model = modelName === '' ? undefined : modelName;
      const current =
        Object.keys(settings).length === 0
          ? management.traceSettings(model)
          : management.updateTraceSettings(model, toUpdate(settings));
      return { settings: toSettingValues(current) };
    }),
  ];
}

/** An empty list goes back to the setting above. */
function toUpdate(settings: TraceSettingRequest['settings']): TraceSettingsUpdate {
  if (settings['trace_file'] !== undefined) {
    throw new InferenceServerError(
      'UNSUPPORTED',
      'trace file location can not be updated through network protocol',
    );
  }
  const update: { -readonly [K in keyof TraceSettingsUpdate]: TraceSettingsUpdate[K] } = {};
  const level = settings['trace_level']?.value;
  if (level !== undefined) update.trace_level = level.length === 0 ? null : level;
  for (const name of SINGLE_VALUES) {
    const values = settings[name]?.value;
    if (values === undefined) continue;
    if (values.length > 1) {
      throw new InferenceServerError('INVALID_ARG', `expect only 1 value for '${name}'`);
    }
    update[name] = values[0] ?? null;
  }
  return update;
}

function toSettingValues(settings: TraceSettings): Record<string, { value: string[] }> {
  const values: Record<string, { value: string[] }> = {};
  for (const [name, value] of Object.entries<string | readonly string[] | undefined>({ ...settings })) {
    if (value !== undefined) values[name] = { value: typeof value === 'string' ? [value] : [...value] };
  }
  return values;
}
