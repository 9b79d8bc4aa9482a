import { InferenceServerError } from '@nereid/protocol';
import { isJsonArray, memberOf, toStringValue, type JsonValue } from '@nereid/protocol/http';
import type { TraceSettings, TraceSettingsUpdate } from '../../telemetry/trace.ts';
import type { HttpContext } from './http-services.ts';
import { assertJson, readJson } from './request-body.ts';
import type { HttpRequest } from './route-table.ts';
import { jsonHandler } from './route.ts';

/** Settings with one value; `trace_level` is the only list. Settings that are not known are passed over. */
const SINGLE_VALUES = ['trace_rate', 'trace_count', 'log_frequency'] as const;

/** Trace settings of the server and of a model. */
export function trace(context: HttpContext): void {
  const { management, maxInputSize } = context;
  const get = jsonHandler(context, ({ params }: HttpRequest): TraceSettings =>
    management.traceSettings(params.model),
  );
  const post = jsonHandler(context, async (request, response) => {
    const update = toUpdate(assertJson(await readJson(request, response, maxInputSize)));
    return management.updateTraceSettings(request.params.model, update);
  });
  for (const path of ['/v2/trace/setting', '/v2/models/:model(^.+$)/trace/setting']) {
    context.table.add({ path, api: 'trace', get, post });
  }
}

function toUpdate(json: JsonValue): TraceSettingsUpdate {
  const update: { -readonly [K in keyof TraceSettingsUpdate]: TraceSettingsUpdate[K] } = {};
  const file = memberOf(json, 'trace_file');
  if (file !== undefined) update.trace_file = file;
  const level = memberOf(json, 'trace_level');
  if (level !== undefined) update.trace_level = level === null ? null : toLevels(level);
  for (const name of SINGLE_VALUES) {
    const value = memberOf(json, name);
    if (value !== undefined) update[name] = value === null ? null : toStringValue(value, name);
  }
  return update;
}

function toLevels(json: JsonValue): readonly string[] {
  if (isJsonArray(json)) return json.map((level) => toStringValue(level, 'trace_level'));
  throw new InferenceServerError(
    'INTERNAL',
    "Unable to parse 'trace_level': attempt to access JSON non-array as array",
  );
}
