import type { Tensor } from '@nereid/protocol';

/**
 * The bytes of tensors one after another: a view where they already lie back to back in one buffer, as the
 * server lays batches out, otherwise a copy.
 */
export function concatenateBytes(tensors: readonly Tensor[]): Uint8Array {
  const total = contiguousLength(tensors);
  const first = tensors.find(({ data }) => data.byteLength > 0)?.data;
  if (first === undefined) return new Uint8Array(0);
  return total === undefined ? copyTogether(tensors) : new Uint8Array(first.buffer, first.byteOffset, total);
}

/** Bytes of all tensors together when they lie back to back, otherwise undefined. */
function contiguousLength(tensors: readonly Tensor[]): number | undefined {
  let buffer: ArrayBufferLike | undefined;
  let end = 0;
  let total = 0;
  for (const { data } of tensors) {
    if (data.byteLength === 0) continue;
    if (buffer !== undefined && (data.buffer !== buffer || data.byteOffset !== end)) return undefined;
    buffer = data.buffer;
    end = data.byteOffset + data.byteLength;
    total += data.byteLength;
  }
  return total;
}

function copyTogether(tensors: readonly Tensor[]): Uint8Array {
  let total = 0;
  for (const { data } of tensors) total += data.byteLength;
  // Not from Buffer's pool: its offsets are not aligned for every datatype.
  const bytes = Buffer.allocUnsafeSlow(total);
  let offset = 0;
  for (const { data } of tensors) {
    bytes.set(data, offset);
    offset += data.byteLength;
  }
  return bytes;
}
