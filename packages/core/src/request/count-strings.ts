/**
 * Counts the elements of a BYTES tensor, each a 4-byte little-endian length and that many bytes.
 *
 * @param refuse - Called with Triton's text when an element is cut off.
 */
export function countStrings(
  data: Uint8Array,
  name: string,
  modelName: string,
  refuse: (message: string) => never,
): number {
  let count = 0;
  for (let at = 0; at < data.byteLength; count += 1) {
    const left = data.byteLength - at;
    if (left < 4) {
      refuse(
        `incomplete string length indicator for inference input '${name}' for model '${modelName}', ` +
          `expecting 4 bytes but only ${left} bytes available. Please make sure the string length indicator is in one buffer.`,
      );
    }
    const length = readUint32(data, at);
    if (length > left - 4) {
      refuse(
        `incomplete string data for inference input '${name}' for model '${modelName}', ` +
          `expecting string of length ${length} but only ${left - 4} bytes available`,
      );
    }
    at += 4 + length;
  }
  return count;
}

function readUint32(data: Uint8Array, at: number): number {
  const byte = (offset: number): number => data[at + offset] ?? 0;
  return byte(0) + (byte(1) << 8) + (byte(2) << 16) + byte(3) * 0x1000000;
}
