import type { Logger } from '@nereid/backend-sdk';
import { formatLogLine, type LogSeverity, type ServerLogFields } from './log-line.ts';
import { openLogOutput, type LogOutput } from './log-output.ts';
import {
  updatedLogSettings,
  type LogFormat,
  type LogSettings,
  type LogSettingsUpdate,
} from './log-settings.ts';

export type { ServerLogFields } from './log-line.ts';
export type { LogFormat, LogSettings, LogSettingsUpdate } from './log-settings.ts';

/** How the log begins: the `--log-*` options. */
export interface LogOptions {
  /** '' for stderr. */
  readonly file: string;
  readonly info: boolean;
  readonly warning: boolean;
  readonly error: boolean;
  readonly verboseLevel: number;
  readonly format: LogFormat;
  /** Whether messages are written as JSON strings, so that none can forge a line. */
  readonly escapeMessages: boolean;
}

/** What the logger works with; replaced in tests. */
export interface LogParts {
  readonly output?: LogOutput;
  /** Milliseconds since the epoch, with a fraction. */
  readonly timeMs?: () => number;
}

/** What a logger and its children share. */
interface LogState {
  settings: LogSettings;
  readonly escape: boolean;
  readonly output: LogOutput;
  readonly timeMs: () => number;
}

/** The server's log. Its settings may change while it runs, for all children at once. */
export class ServerLogger implements Logger {
  readonly #state: LogState;
  readonly #own: Logger;

  /** @throws InferenceServerError INVALID_ARG when the log file cannot be written. */
  constructor(options: LogOptions, parts: LogParts = {}) {
    this.#state = {
      settings: toSettings(options),
      escape: options.escapeMessages,
      output: parts.output ?? openLogOutput(options.file),
      timeMs: parts.timeMs ?? (() => performance.timeOrigin + performance.now()),
    };
    this.#own = this.child('server');
  }

  /** The same log for one part of the server, whose name stands on its lines. */
  child(component: string): Logger {
    return new ComponentLogger(this.#state, component);
  }

  get settings(): LogSettings {
    return this.#state.settings;
  }

  /** @throws InferenceServerError UNSUPPORTED for `log_file`, UNAVAILABLE for an unknown format. */
  update(update: LogSettingsUpdate): LogSettings {
    this.#state.settings = updatedLogSettings(this.#state.settings, update);
    return this.#state.settings;
  }

  verbose(level: number, message: string, fields?: ServerLogFields): void {
    this.#own.verbose(level, message, fields);
  }

  info(message: string, fields?: ServerLogFields): void {
    this.#own.info(message, fields);
  }

  warning(message: string, fields?: ServerLogFields): void {
    this.#own.warning(message, fields);
  }

  error(message: string, fields?: ServerLogFields): void {
    this.#own.error(message, fields);
  }
}

/** Writes the lines of one part of the server. */
class ComponentLogger implements Logger {
  readonly #state: LogState;
  readonly #component: string;

  constructor(state: LogState, component: string) {
    this.#state = state;
    this.#component = component;
  }

  verbose(level: number, message: string, fields?: ServerLogFields): void {
    if (this.#state.settings.log_verbose_level >= level) this.#write('INFO', message, fields);
  }

  info(message: string, fields?: ServerLogFields): void {
    if (this.#state.settings.log_info) this.#write('INFO', message, fields);
  }

  warning(message: string, fields?: ServerLogFields): void {
    if (this.#state.settings.log_warning) this.#write('WARNING', message, fields);
  }

  error(message: string, fields?: ServerLogFields): void {
    if (this.#state.settings.log_error) this.#write('ERROR', message, fields);
  }

  #write(severity: LogSeverity, message: string, fields: ServerLogFields | undefined): void {
    const { settings, escape, output, timeMs } = this.#state;
    const entry = { severity, timeMs: timeMs(), component: this.#component, message, fields };
    output(formatLogLine(entry, { format: settings.log_format, escape, pid: process.pid }));
  }
}

function toSettings({ file, info, warning, error, verboseLevel, format }: LogOptions): LogSettings {
  return {
    log_file: file,
    log_info: info,
    log_warning: warning,
    log_error: error,
    log_verbose_level: verboseLevel,
    log_format: format,
  };
}
