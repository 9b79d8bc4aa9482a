import type { Tensor } from '@nereid/backend-sdk';
import type { LentTensors } from './lent-tensors.ts';
import type { WireTensor } from './messages.ts';

/**
 * Describes tensors for a header and adds their bytes, as they are, to `buffers`.
 *
 * @param lent - Bytes that it lends are not added.
 */
export function packTensors(
  tensors: readonly Tensor[],
  buffers: Uint8Array[],
  lent?: LentTensors,
): WireTensor[] {
  return tensors.map(({ name, datatype, shape, data }) => {
    const loan = lent?.lend(data);
    if (loan !== undefined) return [name, datatype, shape, data.byteLength, loan];
    if (data.byteLength > 0) buffers.push(data);
    return [name, datatype, shape, data.byteLength];
  });
}

/** Reads the tensors of a frame in their order, as views. */
export class TensorReader {
  readonly #data: Buffer;
  #at = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  read(tensors: readonly WireTensor[]): Tensor[] {
    return tensors.map(([name, datatype, shape, byteSize]) => {
      const data = this.#data.subarray(this.#at, this.#at + byteSize);
      this.#at += byteSize;
      return { name, datatype, shape, data };
    });
  }
}
