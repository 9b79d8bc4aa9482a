import type { Tensor } from '@nereid/protocol';
import { encodeJsonData } from '@nereid/protocol/http';

/**
 * The values of a tensor as a trace holds them: separated by commas, texts in quotes. FP16 and BF16 are written as
 * the numbers they are.
 */
export function tensorText(tensor: Tensor): string {
  return encodeJsonData(isHalf(tensor) ? widened(tensor) : tensor).slice(1, -1);
}

function isHalf({ datatype }: Tensor): boolean {
  return datatype === 'FP16' || datatype === 'BF16';
}

function widened({ name, datatype, shape, data }: Tensor): Tensor {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const toNumber = datatype === 'FP16' ? fromFp16 : fromBf16;
  const values = Float32Array.from({ length: data.byteLength / 2 }, (_, at) =>
    toNumber(view.getUint16(2 * at, true)),
  );
  return { name, datatype: 'FP32', shape, data: new Uint8Array(values.buffer) };
}

/** One sign bit, 5 bits of exponent, 10 of fraction. */
function fromFp16(bits: number): number {
  const sign = bits >> 15 === 0 ? 1 : -1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 0x1f) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}

/** The upper half of an FP32. */
function fromBf16(bits: number): number {
  return new Float32Array(new Uint32Array([bits << 16]).buffer)[0] ?? NaN;
}
