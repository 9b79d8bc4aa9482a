/** Slots of a mailbox: each takes one batch to an executor thread and its answers back. */
export const SLOT_COUNT = 8;

/** Bytes of the records of a batch's requests, and of those of its answers. */
const RECORD_BYTES = 16_384;

/** Bytes of a slot. What does not fit goes as a message. Memory that is never used is never there. */
export const SLOT_BYTES = 262_144;

/** Where tensors lie in a slot: behind the records. */
export const DATA_START = 2 * RECORD_BYTES;

/** Places in a slot's `doubles`. */
export const BATCH = 0;
export const INPUT_NS = 1;
export const INFER_NS = 2;

/** Places in a slot's `words`. */
export const INSTANCE = 6;
export const REQUEST_COUNT = 7;
export const TENSOR_COUNT = 8;
/** Where the inputs end in `bytes`: outputs may follow. */
export const DATA_END = 9;
export const ANSWER_COUNT = 10;
/** Where the outputs end in `bytes`. */
export const OUTPUT_END = 11;
export const FAILED = 12;
export const REQUEST_RECORDS = 16;
/** Where records of requests end in `words`, and those of answers begin. */
export const ANSWER_RECORDS = RECORD_BYTES / 4;
export const ANSWER_RECORDS_END = (2 * RECORD_BYTES) / 4;

/** The largest number that a word takes. */
export const MAX_WORD = 0x7fff_ffff;

/** One slot as one of the two threads sees it. Only the thread whose turn it is touches it. */
export class Slot {
  readonly number: number;
  readonly words: Int32Array;
  readonly doubles: Float64Array;
  readonly bytes: Uint8Array<SharedArrayBuffer>;

  constructor(buffer: SharedArrayBuffer, offset: number, number: number) {
    this.number = number;
    this.words = new Int32Array(buffer, offset, DATA_START / 4);
    this.doubles = new Float64Array(buffer, offset, 3);
    this.bytes = new Uint8Array(buffer, offset, SLOT_BYTES);
  }

  get(word: number): number {
    return this.words[word] ?? 0;
  }
}
