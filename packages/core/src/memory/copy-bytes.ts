/** Fewer bytes are copied before Node's function has looked at its arguments. */
const SMALL_BYTE_SIZE = 256;

const copy = Buffer.prototype.copy;

/**
 * Copies all bytes of `source` to a place in `target`, where they fit. `set` takes care in memory that threads share: bytes that
 * don't begin at a word, as those of tensors behind a header, it moves one by one there. Hot path.
 */
export function copyBytes(source: Uint8Array, target: Uint8Array, at: number): void {
  if (source.byteLength < SMALL_BYTE_SIZE) target.set(source, at);
  else copy.call(source, target, at);
}
