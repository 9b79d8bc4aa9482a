/** A tensor in the records of a slot: who it belongs to, its head, where its bytes are, its shape. */
import { InferenceServerError, type Tensor } from '@nereid/protocol';
import { MAX_WORD, type Slot } from './slot.ts';
import { indexOfHead, type TensorHead } from './tensor-heads.ts';

/** Words of a record besides those of the shape. */
const FIXED_WORDS = 5;

/** A tensor to be described. */
export interface TensorRecord {
  readonly tensor: Tensor;
  /** The model's tensors of that kind, and the one that it most likely is. */
  readonly heads: readonly TensorHead[];
  readonly guess: number;
  /** The request that it belongs to. */
  readonly owner: number;
  /** Where its bytes are in the slot. */
  readonly offset: number;
}

/**
 * Writes a record at a place in `words`.
 *
 * @returns Where the next one goes; -1: this one can't be written, as it does not fit before `end` or is not what the
 * model's configuration says.
 */
export function writeTensor(slot: Slot, at: number, end: number, record: TensorRecord): number {
  const { shape, data } = record.tensor;
  const next = at + FIXED_WORDS + shape.length;
  const head = indexOfHead(record.heads, record.tensor, record.guess);
  if (head < 0 || next > end) return -1;
  const { words } = slot;
  words[at] = record.owner;
  words[at + 1] = head;
  words[at + 2] = record.offset;
  words[at + 3] = data.byteLength;
  words[at + 4] = shape.length;
  for (let dim = 0; dim < shape.length; dim += 1) {
    const size = shape[dim] ?? 0;
    if (size > MAX_WORD) return -1;
    words[at + FIXED_WORDS + dim] = size;
  }
  return next;
}

/** Reads records one after the other. */
export class TensorReader {
  readonly #slot: Slot;
  readonly #heads: readonly TensorHead[];
  #at: number;

  constructor(slot: Slot, at: number, heads: readonly TensorHead[]) {
    this.#slot = slot;
    this.#at = at;
    this.#heads = heads;
  }

  /** Where the next record is. */
  get at(): number {
    return this.#at;
  }

  /** The request that the next tensor belongs to. */
  get owner(): number {
    return this.#slot.get(this.#at);
  }

  /**
   * The next tensor.
   *
   * @param bytes - Those of the slot from `start` on: the tensor is a view on them.
   */
  next(bytes: Uint8Array, start: number): Tensor {
    const slot = this.#slot;
    const at = this.#at;
    const head = this.#heads[slot.get(at + 1)];
    if (head === undefined)
      throw new InferenceServerError(
        'INTERNAL',
        `a tensor came that the model does not have: ${slot.get(at + 1)}`,
      );
    const rank = slot.get(at + 4);
    const shape: number[] = [];
    for (let dim = 0; dim < rank; dim += 1) shape.push(slot.get(at + FIXED_WORDS + dim));
    this.#at = at + FIXED_WORDS + rank;
    const offset = bytes.byteOffset + slot.get(at + 2) - start;
    const data = new Uint8Array(bytes.buffer, offset, slot.get(at + 3));
    return { name: head.name, datatype: head.datatype, shape, data };
  }
}
