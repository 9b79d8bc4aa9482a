/**
 * Where a backend writes its log lines. They obey the server's log settings. Lines written while requests are executed,
 * and by what was started meanwhile, carry the ids of the requests and of their traces: those of all requests of the
 * batch, separated by commas, unless the line says which one it is about.
 */
export interface Logger {
  /** Shown from `--log-verbose=level` on. */
  verbose(level: number, message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** What a log line is about; all optional. */
export interface LogFields {
  readonly requestId?: string;
  readonly model?: string;
  readonly version?: string;
  /** The original error: its stack goes to the log. */
  readonly cause?: unknown;
}
