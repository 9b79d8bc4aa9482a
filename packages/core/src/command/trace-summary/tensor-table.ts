import { formatTable } from '../table.ts';
import type { Trace } from './read-traces.ts';

/** Characters of values that are shown; a trace holds all of them. */
const MOST_SHOWN = 60;

/** A table of the tensors of traces, one a row. */
export function formatTensors(traces: readonly Trace[]): string {
  const rows = traces.flatMap(({ id, modelName, requestId, tensors }) =>
    tensors.map(({ activity, name, dtype, shape, data }) => [
      requestId === '' ? String(id) : `${id} (${requestId})`,
      modelName,
      activity,
      name,
      `${dtype} [${shape}]`,
      data.length > MOST_SHOWN ? `${data.slice(0, MOST_SHOWN)}…` : data,
    ]),
  );
  return formatTable(['trace', 'model', 'activity', 'tensor', 'type', 'values'], rows);
}
