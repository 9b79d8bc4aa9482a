import {
  datatypeOfArray,
  elementCount,
  InferenceServerError,
  encodeBytesTensor,
  shapeToString,
  type Datatype,
  type InferInput as InferInputMessage,
  type SharedMemoryRef,
} from '@nereid/protocol';

/** Values from which {@link InferInput.from} makes a tensor. */
export type InferInputValues =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float16Array
  | Float32Array
  | Float64Array
  | readonly string[]
  | readonly Uint8Array[]
  | readonly boolean[];

/** An input tensor of a request; made with the functions of the same name. */
export type InferInput = InferInputMessage;

/** Makes input tensors. */
export const InferInput = {
  /**
   * An input from values; the datatype follows from them: `Float32Array` → FP32, `BigInt64Array` → INT64 …,
   * strings and byte arrays → BYTES, booleans → BOOL. Typed arrays are not copied: do not change them before
   * the answer.
   *
   * @param shape Default: one dimension, as many as there are values.
   * @throws InferenceServerError INVALID_ARG when the shape has another number of elements, or values are
   * mixed.
   */
  from(name: string, values: InferInputValues, shape: readonly number[] = [values.length]): InferInput {
    if (elementCount(shape) !== values.length) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `input '${name}': shape ${shapeToString(shape)} has ${elementCount(shape)} elements, got ${values.length} values`,
      );
    }
    return { name, shape, ...encodeValues(name, values) };
  },

  /**
   * An input from bytes in the layout of the wire: little-endian, row-major, a 4-byte length before each
   * element of BYTES. The way to send BF16. The bytes are not copied.
   */
  fromBytes(name: string, datatype: Datatype, shape: readonly number[], data: Uint8Array): InferInput {
    return { name, datatype, shape, data };
  },

  /** An input whose bytes lie in a shared memory region that is registered with the server. */
  fromSharedMemory(
    name: string,
    datatype: Datatype,
    shape: readonly number[],
    sharedMemory: SharedMemoryRef,
  ): InferInput {
    return { name, datatype, shape, sharedMemory };
  },
};

interface EncodedValues {
  readonly datatype: Datatype;
  readonly data: Uint8Array;
}

function encodeValues(name: string, values: InferInputValues): EncodedValues {
  if (!ArrayBuffer.isView(values)) return encodeList(name, values);
  const datatype = datatypeOfArray(values);
  if (datatype === undefined) throw noDatatype(name);
  return { datatype, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

function encodeList(name: string, values: readonly (string | Uint8Array | boolean)[]): EncodedValues {
  const elements: (string | Uint8Array)[] = [];
  const flags: number[] = [];
  for (const value of values) {
    if (typeof value === 'boolean') flags.push(value ? 1 : 0);
    else if (typeof value === 'string' || ArrayBuffer.isView(value)) elements.push(value);
  }
  if (elements.length === values.length) return { datatype: 'BYTES', data: encodeBytesTensor(elements) };
  if (flags.length === values.length) return { datatype: 'BOOL', data: Uint8Array.from(flags) };
  throw noDatatype(name);
}

function noDatatype(name: string): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `input '${name}': values must be a typed array, or all strings, all byte arrays or all booleans`,
  );
}
