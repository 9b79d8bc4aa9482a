import type { Datatype } from '@nereid/protocol';

/** The typed array that holds the elements of each datatype of fixed size, in the tensor's own byte layout. */
export interface TensorArrays {
  /** One byte each, 0 or 1. */
  BOOL: Uint8Array;
  UINT8: Uint8Array;
  UINT16: Uint16Array;
  UINT32: Uint32Array;
  UINT64: BigUint64Array;
  INT8: Int8Array;
  INT16: Int16Array;
  INT32: Int32Array;
  INT64: BigInt64Array;
  /** The bits of IEEE half precision; `new Float16Array(view.buffer, …)` reads them where the runtime has it. */
  FP16: Uint16Array;
  FP32: Float32Array;
  FP64: Float64Array;
  /** The upper half of the bits of an FP32. */
  BF16: Uint16Array;
}

/** Datatypes of fixed element size: all but BYTES. */
export type FixedSizeDatatype = keyof TensorArrays;

/** Any of the typed arrays that hold tensors. */
export type TensorArray = TensorArrays[FixedSizeDatatype];

type ViewFactories = {
  readonly [D in FixedSizeDatatype]: (
    buffer: ArrayBufferLike,
    byteOffset: number,
    byteLength: number,
  ) => TensorArrays[D];
};

const VIEWS: ViewFactories = {
  BOOL: (buffer, offset, bytes) => new Uint8Array(buffer, offset, bytes),
  UINT8: (buffer, offset, bytes) => new Uint8Array(buffer, offset, bytes),
  UINT16: (buffer, offset, bytes) => new Uint16Array(buffer, offset, bytes / 2),
  UINT32: (buffer, offset, bytes) => new Uint32Array(buffer, offset, bytes / 4),
  UINT64: (buffer, offset, bytes) => new BigUint64Array(buffer, offset, bytes / 8),
  INT8: (buffer, offset, bytes) => new Int8Array(buffer, offset, bytes),
  INT16: (buffer, offset, bytes) => new Int16Array(buffer, offset, bytes / 2),
  INT32: (buffer, offset, bytes) => new Int32Array(buffer, offset, bytes / 4),
  INT64: (buffer, offset, bytes) => new BigInt64Array(buffer, offset, bytes / 8),
  FP16: (buffer, offset, bytes) => new Uint16Array(buffer, offset, bytes / 2),
  FP32: (buffer, offset, bytes) => new Float32Array(buffer, offset, bytes / 4),
  FP64: (buffer, offset, bytes) => new Float64Array(buffer, offset, bytes / 8),
  BF16: (buffer, offset, bytes) => new Uint16Array(buffer, offset, bytes / 2),
};

/** Whether a datatype has elements of fixed size. */
export function isFixedSize(datatype: Datatype): datatype is FixedSizeDatatype {
  return datatype !== 'BYTES';
}

/**
 * Bytes as the typed array of a datatype: a view on the same memory, or a copy where the bytes do not begin at a
 * multiple of the element size.
 *
 * @param elementSize - Bytes of one element of that datatype; `data` must hold a whole number of them.
 */
export function viewBytes<D extends FixedSizeDatatype>(
  data: Uint8Array,
  datatype: D,
  elementSize: number,
): TensorArrays[D] {
  const { buffer, byteOffset, byteLength } = data;
  const view: ViewFactories[D] = VIEWS[datatype];
  if (byteOffset % elementSize === 0) return view(buffer, byteOffset, byteLength);
  // slice() of a Buffer is a view, of a Uint8Array a copy.
  const copy = Uint8Array.prototype.slice.call(data);
  return view(copy.buffer, copy.byteOffset, byteLength);
}
