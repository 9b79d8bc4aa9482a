/** Log lines of other threads and processes, which the serving thread writes. */
import type { Logger } from '@nereid/backend-sdk';
import type { ServerLogFields } from './log-line.ts';

/** A line on its way. All plain data. */
export interface RemoteLogLine {
  readonly level: 'verbose' | 'info' | 'warning' | 'error';
  /** Of a verbose line; else 0. */
  readonly verbosity: number;
  readonly message: string;
  readonly fields: ServerLogFields | undefined;
}

/**
 * A logger that hands its lines on.
 *
 * @param isShown - Whether verbose lines of a level are wanted at all. Default: all are handed on.
 */
export function createRemoteLogger(
  send: (line: RemoteLogLine) => void,
  isShown: (verbosity: number) => boolean = () => true,
): Logger {
  const hand = (
    level: RemoteLogLine['level'],
    verbosity: number,
    message: string,
    fields: ServerLogFields | undefined,
  ): void => {
    // What was thrown may be anything: its text always gets through.
    const plain = fields?.cause === undefined ? fields : { ...fields, cause: describe(fields.cause) };
    send({ level, verbosity, message, fields: plain });
  };
  return {
    verbose: (level, message, fields) => {
      if (isShown(level)) hand('verbose', level, message, fields);
    },
    info: (message, fields) => hand('info', 0, message, fields),
    warning: (message, fields) => hand('warning', 0, message, fields),
    error: (message, fields) => hand('error', 0, message, fields),
  };
}

/** Writes a line that came. */
export function writeRemoteLine(logger: Logger, { level, verbosity, message, fields }: RemoteLogLine): void {
  if (level === 'verbose') logger.verbose(verbosity, message, fields);
  else logger[level](message, fields);
}

function describe(cause: unknown): string {
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}
