import { InferenceServerError } from '@nereid/protocol';
import {
  GRPCInferenceService,
  type LogSettingsRequest,
  type LogSettingsResponse_SettingValue,
} from '@nereid/protocol/gen';
import type { ManagementService } from '../../service/management-service.ts';
import type { LogSettings, LogSettingsUpdate } from '../../telemetry/logger.ts';
import type { GrpcServices } from './grpc-services.ts';
import { unaryRpc, type Rpc } from './rpc.ts';

type RequestSettings = LogSettingsRequest['settings'];
type Choice = LogSettingsResponse_SettingValue['parameterChoice'];

/** LogSettings: reads the settings and, where some are given, changes them first. */
export function loggingRpcs(services: GrpcServices): readonly Rpc[] {
  const { management } = services;
  return [
    unaryRpc(services, GRPCInferenceService.method.logSettings, ({ settings }) => {
      const isQuery = Object.keys(settings).length === 0;
      const current = isQuery ? management.logSettings() : updateLogSettings(management, settings);
      return { settings: toSettingValues(current) };
    }),
  ];
}

function updateLogSettings(management: ManagementService, settings: RequestSettings): LogSettings {
  const update = toUpdate(settings);
  try {
    return management.updateLogSettings(update);
  } catch (reason) {
    const error = InferenceServerError.from(reason);
    if (error.code !== 'UNAVAILABLE') throw error;
    // Triton's answer to a bad log_format is UNAVAILABLE over HTTP, but INVALID_ARGUMENT here.
    throw new InferenceServerError('INVALID_ARG', error.message, { cause: error });
  }
}

/** null leaves a setting as it is; settings that are not known are passed over. */
function toUpdate(settings: RequestSettings): LogSettingsUpdate {
  return {
    log_file: stringOf(settings, 'log_file'),
    log_info: booleanOf(settings, 'log_info'),
    log_warning: booleanOf(settings, 'log_warning'),
    log_error: booleanOf(settings, 'log_error'),
    log_verbose_level: uint32Of(settings, 'log_verbose_level'),
    log_format: stringOf(settings, 'log_format'),
  };
}

function booleanOf(settings: RequestSettings, name: string): boolean | null {
  const choice = settings[name]?.parameterChoice;
  if (choice === undefined) return null;
  if (choice.case === 'boolParam') return choice.value;
  throw wrongKind(name, 'boolean');
}

function uint32Of(settings: RequestSettings, name: string): number | null {
  const choice = settings[name]?.parameterChoice;
  if (choice === undefined) return null;
  if (choice.case === 'uint32Param') return choice.value;
  throw wrongKind(name, 'unsigned integer');
}

function stringOf(settings: RequestSettings, name: string): string | null {
  const choice = settings[name]?.parameterChoice;
  if (choice === undefined) return null;
  if (choice.case === 'stringParam') return choice.value;
  throw wrongKind(name, 'string');
}

function wrongKind(name: string, expected: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', `expect ${expected} for '${name}'`);
}

function toSettingValues(settings: LogSettings): Record<string, { parameterChoice: Choice }> {
  const entries = Object.entries<boolean | number | string>({ ...settings });
  return Object.fromEntries(entries.map(([name, value]) => [name, { parameterChoice: toChoice(value) }]));
}

function toChoice(value: boolean | number | string): Choice {
  if (typeof value === 'boolean') return { case: 'boolParam', value };
  if (typeof value === 'number') return { case: 'uint32Param', value };
  return { case: 'stringParam', value };
}
