import {
  memberOf,
  toBooleanValue,
  toStringValue,
  toUnsignedValue,
  type JsonValue,
} from '@nereid/protocol/http';
import type { LogSettingsUpdate } from '../../telemetry/logger.ts';
import type { HttpContext } from './http-services.ts';
import { assertJson, readJson } from './request-body.ts';
import { jsonHandler } from './route.ts';

/** Log settings. */
export function logging(context: HttpContext): void {
  const { management, maxInputSize } = context;
  context.table.add({
    path: '/v2/logging',
    api: 'logging',
    get: jsonHandler(context, () => management.logSettings()),
    post: jsonHandler(context, async (request, response) =>
      management.updateLogSettings(toUpdate(assertJson(await readJson(request, response, maxInputSize)))),
    ),
  });
}

/** null leaves a setting as it is; settings that are not known are passed over. */
function toUpdate(json: JsonValue): LogSettingsUpdate {
  const read = <T>(name: string, convert: (value: JsonValue, name: string) => T): T | null => {
    const value = memberOf(json, name) ?? null;
    return value === null ? null : convert(value, name);
  };
  const toNumber = (value: JsonValue, name: string): number => Number(toUnsignedValue(value, name));
  return {
    log_file: read('log_file', toStringValue),
    log_info: read('log_info', toBooleanValue),
    log_warning: read('log_warning', toBooleanValue),
    log_error: read('log_error', toBooleanValue),
    log_verbose_level: read('log_verbose_level', toNumber),
    log_format: read('log_format', toStringValue),
  };
}
