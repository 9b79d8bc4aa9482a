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
  if (file === '') return (line) => void writeLine(STDERR, line);
  const descriptor = openLogFile(file);
  let isLost = false;
  return (line) => {
    const problem = writeLine(descriptor, line);
    if (problem === undefined) {
      isLost = false;
      return;
    }
    if (!isLost)
      writeLine(STDERR, `nereid: cannot write '${file}' (--log-file): ${problem}; its lines come here\n`);
    isLost = true;
    writeLine(STDERR, line);
  };
}

function openLogFile(file: string): number {
  try {
    return openSync(file, 'a');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError('INVALID_ARG', `--log-file: cannot write '${file}': ${reason}`, { cause });
  }
}

/**
 * Synchronous, so that the last lines before a crash are there. A log that is gone never fails the server.
 *
 * @returns Why not all of the line was written; undefined: it was.
 */
function writeLine(descriptor: number, line: string): string | undefined {
  let rest: Uint8Array = Buffer.from(line);
  for (let tries = 0; rest.length > 0 && tries < TRIES; tries++) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (!isFull(error)) return String(error);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
  return rest.length > 0 ? 'it takes no more' : undefined;
}

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}
