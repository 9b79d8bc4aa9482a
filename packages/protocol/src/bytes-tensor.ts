/**
 * BYTES tensors: elements one after another in row-major order, each preceded by its length in bytes as an
 * unsigned 32-bit little-endian integer.
 */
import { InferenceServerError } from './inference-server-error.ts';

const LENGTH_BYTES = 4;

/** What is wrong with the end of a BYTES tensor; both kinds stop at the first element that is not whole. */
export interface BytesTensorFault {
  /** `length`: fewer than 4 bytes are left for the length; `string`: fewer bytes are left than the length says. */
  readonly kind: 'length' | 'string';
  /** Bytes that the length or the element needs. */
  readonly expected: number;
  /** Bytes that are left for it. */
  readonly available: number;
}

/** The whole elements of a BYTES tensor, and what is wrong after them, if anything. */
export interface BytesElementCount {
  readonly count: number;
  readonly fault: BytesTensorFault | undefined;
}

/**
 * Counts the elements of a BYTES tensor and checks that the lengths fit the data. Never throws: the caller knows
 * the tensor's name and phrases the message.
 */
export function countBytesElements(data: Uint8Array): BytesElementCount {
  let count = 0;
  let position = 0;
  while (position < data.length) {
    const fault = faultAt(data, position);
    if (fault !== undefined) return { count, fault };
    position += LENGTH_BYTES + lengthAt(data, position);
    count++;
  }
  return { count, fault: undefined };
}

/**
 * The elements of a BYTES tensor as views on `data`.
 *
 * @throws InferenceServerError INVALID_ARG when the data ends inside an element.
 */
export function decodeBytesTensor(data: Uint8Array): Uint8Array[] {
  const elements: Uint8Array[] = [];
  let position = 0;
  while (position < data.length) {
    const end = elementEnd(data, position);
    elements.push(data.subarray(position + LENGTH_BYTES, end));
    position = end;
  }
  return elements;
}

/**
 * The elements of a BYTES tensor as UTF-8 text; bytes that are not UTF-8 become U+FFFD.
 *
 * @throws InferenceServerError INVALID_ARG when the data ends inside an element.
 */
export function decodeStringTensor(data: Uint8Array): string[] {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const elements: string[] = [];
  let position = 0;
  while (position < bytes.length) {
    const end = elementEnd(bytes, position);
    elements.push(bytes.toString('utf8', position + LENGTH_BYTES, end));
    position = end;
  }
  return elements;
}

/** Writes a BYTES tensor; strings are stored as UTF-8. The answer has its own memory. */
export function encodeBytesTensor(elements: readonly (string | Uint8Array)[]): Uint8Array {
  let size = 0;
  for (const element of elements) size += LENGTH_BYTES + byteLength(element);
  const data = Buffer.allocUnsafeSlow(size);
  let position = 0;
  for (const element of elements) {
    const start = position + LENGTH_BYTES;
    const length = byteLength(element);
    data.writeUInt32LE(length, position);
    if (typeof element === 'string') data.write(element, start, 'utf8');
    else data.set(element, start);
    position = start + length;
  }
  return data;
}

function byteLength(element: string | Uint8Array): number {
  return typeof element === 'string' ? Buffer.byteLength(element, 'utf8') : element.length;
}

function elementEnd(data: Uint8Array, position: number): number {
  const fault = faultAt(data, position);
  if (fault !== undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `incomplete BYTES tensor: expecting ${fault.expected} bytes for the ${fault.kind} at offset ${position} ` +
        `but only ${fault.available} bytes available`,
    );
  }
  return position + LENGTH_BYTES + lengthAt(data, position);
}

function faultAt(data: Uint8Array, position: number): BytesTensorFault | undefined {
  const left = data.length - position;
  if (left < LENGTH_BYTES) return { kind: 'length', expected: LENGTH_BYTES, available: left };
  const expected = lengthAt(data, position);
  const available = left - LENGTH_BYTES;
  return expected > available ? { kind: 'string', expected, available } : undefined;
}

function lengthAt(data: Uint8Array, position: number): number {
  // A byte that is not there reads as 0; faultAt has made sure that all four are.
  const low = (data[position] ?? 0) | ((data[position + 1] ?? 0) << 8) | ((data[position + 2] ?? 0) << 16);
  return (low | ((data[position + 3] ?? 0) << 24)) >>> 0;
}
