import { InferenceServerError } from '../inference-server-error.ts';

/** A place in a text. Both count from 1; a column is one UTF-16 code unit. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** A text with its name, and where its lines start. */
export interface PbtxtSource {
  readonly file: string;
  readonly text: string;
  readonly lineStarts: readonly number[];
}

/** Makes a text ready for {@link positionAt}. */
export function createSource(text: string, file: string): PbtxtSource {
  const lineStarts = [0];
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) lineStarts.push(end + 1);
  return { file, text, lineStarts };
}

/** The line and column of an offset. */
export function positionAt({ lineStarts }: PbtxtSource, offset: number): Position {
  let low = 0;
  let high = lineStarts.length;
  // The line is the last one that starts at or before the offset: low stays so, high starts after it.
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((lineStarts[middle] ?? Infinity) <= offset) low = middle;
    else high = middle;
  }
  return { line: low + 1, column: offset - (lineStarts[low] ?? 0) + 1 };
}

/** The error for something wrong at an offset: `config.pbtxt:3:7: …`. */
export function errorAt(source: PbtxtSource, offset: number, message: string): InferenceServerError {
  const { line, column } = positionAt(source, offset);
  return new InferenceServerError('INVALID_ARG', `${source.file}:${line}:${column}: ${message}`);
}
