/** Trace files → traces: the records of Triton's files and of ours. */
import { readFileSync } from 'node:fs';
import { InferenceServerError } from '@nereid/protocol';

/** A tensor of a trace, its values as text. */
export interface TensorRecord {
  readonly activity: string;
  readonly name: string;
  readonly data: string;
  readonly shape: string;
  readonly dtype: string;
}

/** One request, or one that was made for it. */
export interface Trace {
  readonly id: number;
  readonly modelName: string;
  readonly modelVersion: string;
  /** '' when the client gave none. */
  readonly requestId: string;
  readonly parent: Trace | undefined;
  readonly children: readonly Trace[];
  /** Nanoseconds by name; of one that is noted several times, the last. */
  readonly times: ReadonlyMap<string, number>;
  readonly tensors: readonly TensorRecord[];
}

interface GrowingTrace extends Trace {
  modelName: string;
  modelVersion: string;
  requestId: string;
  parent: GrowingTrace | undefined;
  readonly children: GrowingTrace[];
  readonly times: Map<string, number>;
  readonly tensors: TensorRecord[];
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The traces of files, in the order they lie there. Ids count within a file.
 *
 * @throws InferenceServerError INVALID_ARG naming the file that can't be read or is no trace file.
 */
export function readTraces(files: readonly string[]): readonly Trace[] {
  return files.flatMap((file) => toTraces(readRecords(file), file));
}

function readRecords(file: string): readonly unknown[] {
  try {
    const json: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(json)) return json;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError('INVALID_ARG', `cannot read trace file '${file}': ${reason}`, { cause });
  }
  throw notATrace(file, 'another JSON value');
}

function notATrace(file: string, found: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `'${file}' is no trace file: expected a JSON array of records with an id, found ${found}`,
  );
}

function toTraces(records: readonly unknown[], file: string): readonly Trace[] {
  const traces = new Map<number, GrowingTrace>();
  for (const record of records) {
    if (!isObject(record) || typeof record['id'] !== 'number') throw notATrace(file, JSON.stringify(record));
    addRecord(traceOf(traces, record['id']), record, traces);
  }
  return [...traces.values()];
}

function traceOf(traces: Map<number, GrowingTrace>, id: number): GrowingTrace {
  const known = traces.get(id);
  if (known !== undefined) return known;
  const trace: GrowingTrace = {
    id,
    modelName: '',
    modelVersion: '',
    requestId: '',
    parent: undefined,
    children: [],
    times: new Map(),
    tensors: [],
  };
  traces.set(id, trace);
  return trace;
}

/** A record is a header, has timestamps, or a tensor. */
function addRecord(trace: GrowingTrace, record: JsonObject, traces: Map<number, GrowingTrace>): void {
  const { model_name: model, model_version: version, request_id: request, parent_id: parent } = record;
  if (typeof model === 'string') trace.modelName = model;
  if (typeof version === 'number') trace.modelVersion = String(version);
  if (typeof request === 'string') trace.requestId = request;
  if (typeof parent === 'number' && parent !== trace.id) {
    trace.parent = traceOf(traces, parent);
    trace.parent.children.push(trace);
  }
  const { timestamps, tensor } = record;
  if (Array.isArray(timestamps)) timestamps.forEach((stamp: unknown) => addTime(trace, stamp));
  if (isObject(tensor)) trace.tensors.push(toTensor(record['activity'], tensor));
}

function addTime({ times }: GrowingTrace, stamp: unknown): void {
  if (!isObject(stamp)) return;
  const { name, ns } = stamp;
  if (typeof name === 'string' && typeof ns === 'number') times.set(name, ns);
}

function toTensor(activity: unknown, tensor: JsonObject): TensorRecord {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    activity: text(activity),
    name: text(tensor['name']),
    data: text(tensor['data']),
    shape: text(tensor['shape']),
    dtype: text(tensor['dtype']),
  };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
