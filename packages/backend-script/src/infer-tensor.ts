import {
  decodeBytesTensor,
  decodeStrings,
  InferenceServerError,
  tensorView,
  type Datatype,
  type FixedSizeDatatype,
  type Tensor,
  type TensorArray,
  type TensorArrays,
} from '@nereid/backend-sdk';

/** A tensor that a model reads: an input of its request, or an output of a model that it called. */
export class InferTensor implements Tensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Dimensions, the batch dimension included; `[]` is a scalar. */
  readonly shape: readonly number[];
  /** The bytes as they lie in the request: little-endian, row-major. Must not be kept or changed. */
  readonly data: Uint8Array;

  constructor({ name, datatype, shape, data }: Tensor) {
    this.name = name;
    this.datatype = datatype;
    this.shape = shape;
    this.data = data;
  }

  /**
   * The elements as a typed array, without copying; it must not be kept or changed.
   *
   * @param datatype - The datatype that the model counts on; it decides the type of the result.
   * @throws InferenceServerError INTERNAL when the tensor is of another datatype, or BYTES.
   */
  values(): TensorArray;
  values<D extends FixedSizeDatatype>(datatype: D): TensorArrays[D];
  values(datatype?: FixedSizeDatatype): TensorArray {
    return datatype === undefined ? tensorView(this) : tensorView(this, datatype);
  }

  /**
   * The elements as numbers, in a copy: of any datatype but BYTES, FP16 and BF16. BOOL is 0 and 1.
   *
   * @throws InferenceServerError INTERNAL for other datatypes, and for an integer that no number holds exactly.
   */
  toNumbers(): number[] {
    if (this.datatype === 'FP16' || this.datatype === 'BF16') {
      throw new InferenceServerError(
        'INTERNAL',
        `tensor '${this.name}': ${this.datatype} has no numbers, read its bits with values()`,
      );
    }
    return Array.from(this.values() as Iterable<number | bigint>, (value) => this.#toNumber(value));
  }

  /**
   * The elements of a BYTES tensor as UTF-8 text.
   *
   * @throws InferenceServerError INTERNAL when the tensor is of another datatype.
   */
  toStrings(): string[] {
    return decodeStrings(this);
  }

  /** The elements of a BYTES tensor as bytes: views, which must not be kept or changed. */
  toBytes(): Uint8Array[] {
    return decodeBytesTensor(this.data);
  }

  #toNumber(value: number | bigint): number {
    const number = Number(value);
    if (typeof value === 'number' || Number.isSafeInteger(number)) return number;
    throw new InferenceServerError(
      'INTERNAL',
      `tensor '${this.name}': no number holds ${value} exactly, read it with values()`,
    );
  }
}
