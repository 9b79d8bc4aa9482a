import {
  InferenceServerError,
  type Datatype,
  type TensorArray,
  type TensorValues,
} from '@nereid/backend-sdk';

/** The elements of an output or an input, in row-major order; one element may stand alone. */
export type ElementValues = TensorArray | Element | readonly Element[];

type Element = number | bigint | boolean | string | Uint8Array;

type NumberArray = new (values: Iterable<number>) => TensorArray;

/** The arrays that take plain numbers. FP16 and BF16 have none: their elements are bits. */
const NUMBER_ARRAYS: Partial<Record<Datatype, NumberArray>> = {
  UINT8: Uint8Array,
  UINT16: Uint16Array,
  UINT32: Uint32Array,
  INT8: Int8Array,
  INT16: Int16Array,
  INT32: Int32Array,
  FP32: Float32Array,
  FP64: Float64Array,
};

/**
 * Elements as `createTensor` takes them. A typed array stays itself, so that it is not copied.
 *
 * @throws InferenceServerError INTERNAL for an element that the datatype can't hold.
 */
export function toTensorValues(name: string, datatype: Datatype, values: ElementValues): TensorValues {
  if (isBytes(values)) return datatype === 'BYTES' ? [values] : values;
  if (ArrayBuffer.isView(values)) return values;
  const elements = isElement(values) ? [values] : values;
  switch (datatype) {
    case 'BYTES':
      return elements.map((element) => (element instanceof Uint8Array ? element : String(element)));
    case 'BOOL':
      return elements.map(Boolean);
    case 'INT64':
      return BigInt64Array.from(elements, (element) => toBigInt(name, datatype, element));
    case 'UINT64':
      return BigUint64Array.from(elements, (element) => toBigInt(name, datatype, element));
    default:
      return toNumbers(name, datatype, elements);
  }
}

function toNumbers(name: string, datatype: Datatype, elements: readonly Element[]): TensorArray {
  const ArrayType = NUMBER_ARRAYS[datatype];
  if (ArrayType === undefined) {
    throw new InferenceServerError(
      'INTERNAL',
      `tensor '${name}': ${datatype} takes its bits in a Uint16Array`,
    );
  }
  const numbers = elements.map((element) => {
    if (typeof element === 'number' || typeof element === 'boolean' || typeof element === 'bigint')
      return Number(element);
    throw wrongElement(name, datatype, element);
  });
  return new ArrayType(numbers);
}

function toBigInt(name: string, datatype: Datatype, element: Element): bigint {
  if (typeof element === 'bigint') return element;
  if (typeof element === 'boolean' || (typeof element === 'number' && Number.isSafeInteger(element))) {
    return BigInt(element);
  }
  throw wrongElement(name, datatype, element);
}

function wrongElement(name: string, datatype: Datatype, element: Element): InferenceServerError {
  return new InferenceServerError(
    'INTERNAL',
    `tensor '${name}': expected elements of ${datatype}, found ${typeof element} ${String(element)}`,
  );
}

function isBytes(values: ElementValues): values is Uint8Array {
  return values instanceof Uint8Array;
}

function isElement(values: Element | readonly Element[]): values is Element {
  return typeof values !== 'object';
}
