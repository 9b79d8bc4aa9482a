/** A request in the records of a slot: what it asks for besides its inputs. */
import type { SequenceFields } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';
import { isPlain } from './batch-transfer.ts';
import { ANSWER_RECORDS, MAX_WORD, type Slot } from './slot.ts';
import type { TensorHead } from './tensor-heads.ts';

/** Words of a record besides those of the outputs it wants. */
const FIXED_WORDS = 6;

/** Stands for the number of outputs of a request that names none. */
const ALL_OUTPUTS = -1;

/** Bits of the word that says what a request is to its sequence; 0: there is none. */
const IN_SEQUENCE = 1;
const START = 2;
const END = 4;

/** What a request asks for. */
export interface SlotRequestFields {
  readonly batchSize: number;
  readonly priority: number;
  readonly sequence: SequenceFields | undefined;
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
  const { batchSize, priority, sequence, requestedOutputs } = request;
  const { id = 0 } = sequence ?? {};
  if (!isPlain(request) || batchSize > MAX_WORD || priority > MAX_WORD || !isWritableId(id)) return -1;
  if (start + FIXED_WORDS + requestedOutputs.length > ANSWER_RECORDS) return -1;
  words[start] = batchSize;
  words[start + 1] = priority;
  words[start + 2] = bitsOf(sequence);
  words[start + 3] = id % 2 ** 32;
  words[start + 4] = Math.floor(id / 2 ** 32);
  words[start + 5] = requestedOutputs.length === 0 ? ALL_OUTPUTS : requestedOutputs.length;
  let at = start + FIXED_WORDS;
  for (const { name } of requestedOutputs) {
    const head = outputs.findIndex((output) => output.name === name);
    if (head < 0) return -1;
    words[at++] = head;
  }
  return at;
}

/** Reads the record at a place, and tells where the next one is. */
export function readRequest(
  slot: Slot,
  start: number,
  outputs: readonly TensorHead[],
): { readonly fields: SlotRequestFields; readonly next: number } {
  const count = slot.get(start + 5);
  const requestedOutputs: string[] | undefined = count === ALL_OUTPUTS ? undefined : [];
  let next = start + FIXED_WORDS;
  for (let output = 0; output < count; output += 1) {
    requestedOutputs?.push(outputs[slot.get(next++)]?.name ?? '');
  }
  const sequence = readSequence(slot, start + 2);
  const fields = { batchSize: slot.get(start), priority: slot.get(start + 1), sequence, requestedOutputs };
  return { fields, next };
}

/** Whether two words take a correlation ID. */
function isWritableId(id: SequenceFields['id']): id is number {
  return typeof id === 'number' && Number.isSafeInteger(id) && id >= 0;
}

function bitsOf(sequence: SequenceFields | undefined): number {
  if (sequence === undefined) return 0;
  return IN_SEQUENCE + (sequence.start ? START : 0) + (sequence.end ? END : 0);
}

function readSequence(slot: Slot, at: number): SequenceFields | undefined {
  const bits = slot.get(at);
  if (bits === 0) return undefined;
  const id = slot.get(at + 2) * 2 ** 32 + (slot.get(at + 1) >>> 0);
  return { id, start: (bits & START) !== 0, end: (bits & END) !== 0 };
}
