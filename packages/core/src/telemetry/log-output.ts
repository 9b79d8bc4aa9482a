import { openSync, writeSync } from 'node:fs';
import { InferenceServerError } from '@nereid/protocol';

const STDERR = 2;
/** How often a line is tried again, a millisecond apart, while a pipe is full; then it is lost. */
const TRIES = 100;

/** Where lines go. */
export type LogOutput = (line: string) => void;

/**
 * Writes lines to the end of a file, or to stderr when the path is ''.
 *
 * @throws InferenceServerError INVALID_ARG when the file cannot be written.
 */
export function openLogOutput(file: string): LogOutput {
  const descriptor = file === '' ? STDERR : openLogFile(file);
  return (line) => writeLine(descriptor, line);
}

function openLogFile(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError('INVALID_ARG', `--log-file: cannot write '${file}': ${reason}`, { cause });
  }
}

/** Synchronous, so that the last lines before a crash are there. A log that is gone never fails the server. */
function writeLine(descriptor: number, line: string): void {
  let rest: Uint8Array = Buffer.from(line);
  for (let tries = 0; rest.length > 0 && tries < TRIES; tries++) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (!isFull(error)) return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
