import {
  datatypeByteSize,
  decodeStringTensor,
  elementCount,
  encodeBytesTensor,
  InferenceServerError,
  shapeToString,
  type Datatype,
  type Tensor,
} from '@nereid/protocol';
import {
  isFixedSize,
  viewBytes,
  type FixedSizeDatatype,
  type TensorArray,
  type TensorArrays,
} from './tensor-array.ts';

/** What a tensor can be made of: its typed array, BOOL as booleans, BYTES as strings or bytes. */
export type TensorValues = TensorArray | readonly boolean[] | readonly (string | Uint8Array)[];

/**
 * Makes a tensor. A typed array is not copied: the tensor's bytes are a view on it, so it must not change
 * afterwards. Strings are stored as UTF-8.
 *
 * ```ts
 * createTensor('SUM', 'FP32', [1, 2], new Float32Array([1.5, 2.5]));
 * createTensor('LABEL', 'BYTES', [1], ['cat']);
 * ```
 *
 * @param shape - Dimensions, the batch dimension included; `[]` is a scalar.
 * @throws InferenceServerError INTERNAL when the number of values is not what the shape says, or when the values
 *   are of another kind than the datatype.
 */
export function createTensor(
  name: string,
  datatype: Datatype,
  shape: readonly number[],
  values: TensorValues,
): Tensor {
  const tensor = { name, datatype, shape, data: toBytes(name, datatype, values) };
  const expected = elementCount(shape);
  const found = ArrayBuffer.isView(values) ? values.byteLength / datatypeByteSize(datatype) : values.length;
  if (expected !== found) {
    throw new InferenceServerError(
      'INTERNAL',
      `tensor '${name}': shape ${shapeToString(shape)} holds ${expected} elements, found ${found}`,
    );
  }
  return tensor;
}

/**
 * The elements of a tensor as a typed array, without copying: writing to it changes the tensor. Only where the
 * tensor's bytes do not begin at a multiple of the element size is a copy made.
 *
 * @param datatype - The datatype that the caller counts on; it decides the type of the result.
 * @throws InferenceServerError INTERNAL when the tensor is of another datatype or is a BYTES tensor (see
 *   {@link decodeStrings}), or when its bytes do not hold a whole number of elements.
 */
export function tensorView(tensor: Tensor): TensorArray;
export function tensorView<D extends FixedSizeDatatype>(tensor: Tensor, datatype: D): TensorArrays[D];
export function tensorView(tensor: Tensor, datatype: Datatype = tensor.datatype): TensorArray {
  const { name, data } = tensor;
  if (datatype !== tensor.datatype) throw wrongKind(name, datatype, tensor.datatype);
  if (!isFixedSize(datatype)) throw wrongKind(name, 'a datatype of fixed size', datatype);
  const elementSize = datatypeByteSize(datatype);
  if (data.byteLength % elementSize !== 0) {
    throw new InferenceServerError(
      'INTERNAL',
      `tensor '${name}': expected a multiple of ${elementSize} bytes for ${datatype}, found ${data.byteLength}`,
    );
  }
  return viewBytes(data, datatype, elementSize);
}

/**
 * The elements of a BYTES tensor as UTF-8 text; bytes that are not UTF-8 become U+FFFD.
 *
 * @throws InferenceServerError INTERNAL when the tensor is not a BYTES tensor, INVALID_ARG when its data ends
 *   inside an element.
 */
export function decodeStrings(tensor: Tensor): string[] {
  if (tensor.datatype !== 'BYTES') throw wrongKind(tensor.name, 'BYTES', tensor.datatype);
  return decodeStringTensor(tensor.data);
}

function toBytes(name: string, datatype: Datatype, values: TensorValues): Uint8Array {
  if (ArrayBuffer.isView(values)) {
    if (!isFixedSize(datatype)) throw wrongKind(name, datatype, values.constructor.name);
    assertElementSize(name, datatype, values);
    return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  }
  if (isBooleans(values)) {
    if (datatype !== 'BOOL' && values.length > 0) throw wrongKind(name, datatype, 'booleans');
    return Uint8Array.from(values, Number);
  }
  if (datatype !== 'BYTES') throw wrongKind(name, datatype, 'strings');
  return encodeBytesTensor(values);
}

function assertElementSize(name: string, datatype: FixedSizeDatatype, values: TensorArray): void {
  if (values.BYTES_PER_ELEMENT === datatypeByteSize(datatype)) return;
  throw wrongKind(name, datatype, values.constructor.name);
}

function isBooleans(
  values: readonly boolean[] | readonly (string | Uint8Array)[],
): values is readonly boolean[] {
  return values.every((value) => typeof value === 'boolean');
}

function wrongKind(name: string, expected: string, found: string): InferenceServerError {
  return new InferenceServerError('INTERNAL', `tensor '${name}': expected ${expected}, found ${found}`);
}
