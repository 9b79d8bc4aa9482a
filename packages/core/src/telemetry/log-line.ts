import { inspect } from 'node:util';
import type { LogFields } from '@nereid/backend-sdk';
import type { LogFormat } from './log-settings.ts';

/** Severities by the letter that begins Triton's lines; verbose lines are information. */
export type LogSeverity = 'INFO' | 'WARNING' | 'ERROR';

/** What a line is about: the fields of the SDK's logger, and the trace of the request. */
export interface ServerLogFields extends LogFields {
  readonly traceId?: string;
}

/** One line to write. */
export interface LogEntry {
  readonly severity: LogSeverity;
  /** Milliseconds since the epoch, with a fraction. */
  readonly timeMs: number;
  /** Part of the server that says it: stands where Triton has the source file. */
  readonly component: string;
  readonly message: string;
  readonly fields: ServerLogFields | undefined;
}

/** How lines look. */
export interface LogLineStyle {
  readonly format: LogFormat;
  /** Whether messages are written as JSON strings, so that none can forge a line. */
  readonly escape: boolean;
  readonly pid: number;
}

/** A line of the log, with its newline. */
export function formatLogLine(entry: LogEntry, style: LogLineStyle): string {
  if (style.format === 'json') return `${JSON.stringify(jsonOf(entry, style.pid))}\n`;
  const { severity, timeMs, component, message, fields } = entry;
  const head =
    style.format === 'ISO8601'
      ? `${new Date(timeMs).toISOString().slice(0, 19)}Z ${severity}`
      : `${severity[0]}${monthAndTime(timeMs)}`;
  const text = style.escape ? JSON.stringify(message) : message;
  return `${head} ${style.pid} ${component}] ${text}${fields === undefined ? '' : suffixOf(fields)}\n`;
}

/** `1121 06:12:33.123456`, in UTC as Triton has it. */
function monthAndTime(timeMs: number): string {
  const iso = new Date(timeMs).toISOString();
  const micros = Math.floor((timeMs - Math.floor(timeMs)) * 1000);
  return `${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}${String(micros).padStart(3, '0')}`;
}

function suffixOf(fields: ServerLogFields): string {
  return Object.entries(plainFields(fields))
    .map(([name, value]) => ` ${name}=${JSON.stringify(value)}`)
    .join('');
}

function jsonOf(
  { severity, timeMs, component, message, fields }: LogEntry,
  pid: number,
): Record<string, unknown> {
  const time = new Date(timeMs).toISOString();
  return { time, severity, pid, component, message, ...(fields !== undefined && plainFields(fields)) };
}

function plainFields({
  requestId,
  traceId,
  model,
  version,
  cause,
}: ServerLogFields): Record<string, string | number> {
  return {
    ...(requestId !== undefined && requestId !== '' && { request_id: requestId }),
    ...(traceId !== undefined && traceId !== '' && { trace_id: traceId }),
    ...(model !== undefined && { model }),
    ...(version !== undefined && { version }),
    ...(cause !== undefined && { cause: describe(cause) }),
  };
}

/** The stack of an error, and those of its own causes. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause === 'string' ? cause : inspect(cause);
  const text = cause.stack ?? cause.message;
  return cause.cause === undefined ? text : `${text}\ncaused by: ${describe(cause.cause)}`;
}
