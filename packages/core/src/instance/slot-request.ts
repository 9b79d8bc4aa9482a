/** A request in the records of a slot: what it asks for besides its inputs. */
import type { SequenceFields } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';
import { deadlineOf } from './hosted-fields.ts';
import type { HostedRequestFields } from './hosted-request.ts';
import { ANSWER_RECORDS, MAX_WORD, type Slot } from './slot.ts';
import type { TensorHead } from './tensor-heads.ts';

/** Words that every record has. */
const FIXED_WORDS = 5;
/** Words of a sequence: its correlation ID. */
const SEQUENCE_WORDS = 2;
/** Words of a time limit: itself, and when it is over. */
const LIMIT_WORDS = 4;

/** Stands for the number of outputs of a request that names none. */
const ALL_OUTPUTS = -1;

/** Bits of the word that says what a request has. */
const IN_SEQUENCE = 1;
const START = 2;
const END = 4;
const HAS_LIMIT = 8;

/** What a request asks for. */
export interface SlotRequestFields extends Pick<
  HostedRequestFields,
  'id' | 'batchSize' | 'priority' | 'sequence' | 'timeoutUs' | 'deadline'
> {
  /** Undefined: all. */
  readonly requestedOutputs: readonly string[] | undefined;
}

/**
 * Writes a record at a place in `words`.
 *
 * @returns Where the next one goes; -1: this one can't be written, as it does not fit or the request asks for
 * something special.
 */
export function writeRequest(
  { words }: Slot,
  start: number,
  request: InferenceRequest,
  outputs: readonly TensorHead[],
): number {
  const { id, batchSize, priority, sequence, requestedOutputs, timeoutUs } = request;
  const next = start + wordsOf(request);
  if (next > ANSWER_RECORDS || !isWritable(request)) return -1;
  words[start] = batchSize;
  words[start + 1] = priority;
  words[start + 2] = bitsOf(request);
  words[start + 3] = requestedOutputs.length === 0 ? ALL_OUTPUTS : requestedOutputs.length;
  words[start + 4] = id.length;
  let at = start + FIXED_WORDS;
  for (const { name } of requestedOutputs) {
    const head = outputs.findIndex((output) => output.name === name);
    if (head < 0) return -1;
    words[at++] = head;
  }
  at = writeText(words, at, id);
  if (sequence !== undefined) at = writeDouble(words, at, Number(sequence.id));
  if (timeoutUs > 0) {
    at = writeDouble(words, at, timeoutUs);
    writeDouble(words, at, deadlineOf(request) ?? 0);
  }
  return next;
}

/** Reads the record at a place, and tells where the next one is. */
export function readRequest(
  slot: Slot,
  start: number,
  outputs: readonly TensorHead[],
): { readonly fields: SlotRequestFields; readonly next: number } {
  const bits = slot.get(start + 2);
  const count = slot.get(start + 3);
  const idLength = slot.get(start + 4);
  const requestedOutputs: string[] | undefined = count === ALL_OUTPUTS ? undefined : [];
  let next = start + FIXED_WORDS;
  for (let output = 0; output < count; output += 1)
    requestedOutputs?.push(outputs[slot.get(next++)]?.name ?? '');
  const id = readText(slot, next, idLength);
  next += textWords(idLength);
  let sequence: SequenceFields | undefined;
  if ((bits & IN_SEQUENCE) !== 0) {
    sequence = { id: readDouble(slot, next), start: (bits & START) !== 0, end: (bits & END) !== 0 };
    next += SEQUENCE_WORDS;
  }
  let timeoutUs = 0;
  let deadline: number | undefined;
  if ((bits & HAS_LIMIT) !== 0) {
    timeoutUs = readDouble(slot, next);
    deadline = readDouble(slot, next + 2);
    next += LIMIT_WORDS;
  }
  const batchSize = slot.get(start);
  const priority = slot.get(start + 1);
  return { fields: { id, batchSize, priority, sequence, timeoutUs, deadline, requestedOutputs }, next };
}

function wordsOf({ id, requestedOutputs, sequence, timeoutUs }: InferenceRequest): number {
  return (
    FIXED_WORDS +
    requestedOutputs.length +
    textWords(id.length) +
    (sequence === undefined ? 0 : SEQUENCE_WORDS) +
    (timeoutUs > 0 ? LIMIT_WORDS : 0)
  );
}

/** Whether a record has room for all that a request has. */
function isWritable({ batchSize, priority, sequence, parameters, trace }: InferenceRequest): boolean {
  if (parameters !== undefined || trace !== undefined) return false;
  return batchSize <= MAX_WORD && priority <= MAX_WORD && (sequence === undefined || isNumber(sequence.id));
}

/** Whether a correlation ID comes out of a double as it went in. */
function isNumber(id: SequenceFields['id']): boolean {
  return typeof id === 'number' && Number.isSafeInteger(id);
}

function bitsOf({ sequence, timeoutUs }: InferenceRequest): number {
  const limit = timeoutUs > 0 ? HAS_LIMIT : 0;
  if (sequence === undefined) return limit;
  return limit + IN_SEQUENCE + (sequence.start ? START : 0) + (sequence.end ? END : 0);
}

/** A word takes two UTF-16 units. */
function textWords(length: number): number {
  return (length + 1) >> 1;
}

function writeText(words: Int32Array, start: number, text: string): number {
  let at = start;
  for (let index = 0; index < text.length; index += 2) {
    // Behind the last unit comes NaN, which counts as 0 here.
    words[at++] = text.charCodeAt(index) | (text.charCodeAt(index + 1) << 16);
  }
  return at;
}

function readText(slot: Slot, start: number, length: number): string {
  let text = '';
  for (let index = 0; index < length; index += 1) {
    const word = slot.get(start + (index >> 1));
    text += String.fromCharCode((index & 1) === 0 ? word & 0xffff : word >>> 16);
  }
  return text;
}

const double = new Float64Array(1);
const halves = new Int32Array(double.buffer);

function writeDouble(words: Int32Array, at: number, value: number): number {
  double[0] = value;
  words.set(halves, at);
  return at + 2;
}

function readDouble(slot: Slot, at: number): number {
  halves[0] = slot.get(at);
  halves[1] = slot.get(at + 1);
  return double[0] ?? 0;
}
