/** `nereid trace-summary`: what trace files of mode `triton` say. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { InferenceServerError } from '@nereid/protocol';
import { readTraces } from './read-traces.ts';
import { formatSummary } from './summary-table.ts';
import { formatTensors } from './tensor-table.ts';
import { drawTimeline } from './timeline-svg.ts';

const USAGE = `Usage: nereid trace-summary [-t] [--svg=<file>] [--slowest=<n>] <trace file>…

  -t, --show-tensors   also the tensors of the traces (level TENSORS)
  --svg=<file>         draws the slowest requests as a timeline
  --slowest=<n>        how many of them. Default: 20
`;

/**
 * Sums trace files up.
 *
 * @returns What is to be printed.
 * @throws InferenceServerError INVALID_ARG for a wrong flag, for a file that can't be read or written.
 */
export function summarizeTraces(flags: readonly string[]): string {
  const { values, positionals: files } = parseFlags(flags);
  if (values.help === true) return USAGE;
  const slowest = Number(values.slowest ?? '20');
  if (!(Number.isInteger(slowest) && slowest > 0)) {
    throw invalid(`--slowest: expected an integer from 1 on, found '${values.slowest}'`);
  }
  if (files.length === 0) throw invalid(`no trace file is given\n\n${USAGE}`);
  const traces = readTraces(files);
  if (traces.length === 0) return 'The files hold no trace.\n';
  const parts = [formatSummary(traces)];
  if (values['show-tensors'] === true) parts.push(formatTensors(traces));
  if (values.svg !== undefined) {
    writeSvg(values.svg, drawTimeline(traces, slowest));
    parts.push(`Written to ${values.svg}.`);
  }
  return `${parts.join('\n\n')}\n`;
}

function parseFlags(flags: readonly string[]) {
  try {
    return parseArgs({
      args: [...flags],
      allowPositionals: true,
      options: {
        'show-tensors': { type: 'boolean', short: 't' },
        svg: { type: 'string' },
        slowest: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (cause) {
    throw invalid(`${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`);
  }
}

function writeSvg(file: string, svg: string): void {
  try {
    writeFileSync(file, svg);
  } catch (cause) {
    throw invalid(`--svg: cannot write '${file}': ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

function invalid(message: string): InferenceServerError {
  return new InferenceServerError('INVALID_ARG', message);
}
