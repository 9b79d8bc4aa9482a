import {
  datatypeByteSize,
  decodeStringTensor,
  InferenceServerError,
  type Datatype,
  type Tensor,
} from '@nereid/protocol';

/**
 * What the values of a tensor are in JavaScript, by its datatype. BF16 is widened, as there is no array of
 * it.
 */
export interface TensorValuesByDatatype {
  readonly BOOL: boolean[];
  readonly UINT8: Uint8Array;
  readonly UINT16: Uint16Array;
  readonly UINT32: Uint32Array;
  readonly UINT64: BigUint64Array;
  readonly INT8: Int8Array;
  readonly INT16: Int16Array;
  readonly INT32: Int32Array;
  readonly INT64: BigInt64Array;
  readonly FP16: Float16Array;
  readonly FP32: Float32Array;
  readonly FP64: Float64Array;
  readonly BYTES: string[];
  readonly BF16: Float32Array;
}

/** The values of a tensor of any datatype, in row-major order. */
export type TensorValues = TensorValuesByDatatype[Datatype];

interface TypedArrayConstructor<A> {
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

const DECODERS: { readonly [D in Datatype]: (data: Uint8Array) => TensorValuesByDatatype[D] } = {
  BOOL: (data) => Array.from(data, (byte) => byte !== 0),
  UINT8: (data) => viewAs(Uint8Array, data),
  UINT16: (data) => viewAs(Uint16Array, data),
  UINT32: (data) => viewAs(Uint32Array, data),
  UINT64: (data) => viewAs(BigUint64Array, data),
  INT8: (data) => viewAs(Int8Array, data),
  INT16: (data) => viewAs(Int16Array, data),
  INT32: (data) => viewAs(Int32Array, data),
  INT64: (data) => viewAs(BigInt64Array, data),
  FP16: decodeFp16,
  FP32: (data) => viewAs(Float32Array, data),
  FP64: (data) => viewAs(Float64Array, data),
  BYTES: decodeStringTensor,
  BF16: decodeBf16,
};

/**
 * The values of a tensor: a view of its bytes where their place in memory allows it, otherwise a copy.
 *
 * @throws InferenceServerError INTERNAL when the bytes end inside an element.
 */
export function decodeTensorValues<D extends Datatype>(
  tensor: Tensor & { readonly datatype: D },
): TensorValuesByDatatype[D] {
  const byteSize = datatypeByteSize(tensor.datatype);
  if (byteSize > 0 && tensor.data.length % byteSize !== 0) {
    throw new InferenceServerError(
      'INTERNAL',
      `tensor '${tensor.name}' has ${tensor.data.length} bytes, not a multiple of the ${byteSize} of ${tensor.datatype}`,
    );
  }
  return DECODERS[tensor.datatype](tensor.data);
}

/** Typed arrays must start at a multiple of their element size. */
function viewAs<A>(array: TypedArrayConstructor<A>, data: Uint8Array): A {
  const aligned = data.byteOffset % array.BYTES_PER_ELEMENT === 0 ? data : new Uint8Array(data);
  return new array(aligned.buffer, aligned.byteOffset, aligned.length / array.BYTES_PER_ELEMENT);
}

function decodeFp16(data: Uint8Array): Float16Array {
  if (typeof Float16Array === 'undefined') {
    throw new InferenceServerError(
      'UNSUPPORTED',
      'values of datatype FP16 need a Node.js that has Float16Array (24)',
    );
  }
  return viewAs(Float16Array, data);
}

/** The two bytes of a BF16 are the upper half of the same FP32. */
function decodeBf16(data: Uint8Array): Float32Array {
  const bits = Uint32Array.from(viewAs(Uint16Array, data), (half) => half << 16);
  return new Float32Array(bits.buffer);
}
