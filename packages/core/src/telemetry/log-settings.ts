import { InferenceServerError } from '@nereid/protocol';
import type { LogSettingsJson, LogSettingsUpdateJson } from '@nereid/protocol/http';

/** Formats of log lines: Triton's two, and a JSON object a line. */
export const LOG_FORMATS = ['default', 'ISO8601', 'json'] as const;

/** One of {@link LOG_FORMATS}. */
export type LogFormat = (typeof LOG_FORMATS)[number];

/** The log settings as the logging extension shows them. */
export type LogSettings = LogSettingsJson & { readonly log_format: LogFormat };

/** A change of log settings. null and what is absent stay as they are; what is not known is passed over. */
export type LogSettingsUpdate = LogSettingsUpdateJson;

/** Whether a text names a log format. */
export function isLogFormat(text: string): text is LogFormat {
  return (LOG_FORMATS as readonly string[]).includes(text);
}

/**
 * The settings after a change.
 *
 * @throws InferenceServerError UNSUPPORTED for `log_file`, UNAVAILABLE for an unknown format (as Triton answers).
 */
export function updatedLogSettings(settings: LogSettings, update: LogSettingsUpdate): LogSettings {
  if (typeof update.log_file === 'string') {
    throw new InferenceServerError(
      'UNSUPPORTED',
      'log file location can not be updated through network protocol',
    );
  }
  const format = update.log_format ?? settings.log_format;
  if (!isLogFormat(format)) {
    throw new InferenceServerError('UNAVAILABLE', `invalid argument for --log_format, got: ${format}`);
  }
  return {
    log_file: settings.log_file,
    log_info: update.log_info ?? settings.log_info,
    log_warning: update.log_warning ?? settings.log_warning,
    log_error: update.log_error ?? settings.log_error,
    log_verbose_level: update.log_verbose_level ?? settings.log_verbose_level,
    log_format: format,
  };
}
