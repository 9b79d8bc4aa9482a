/** HPACK's Huffman code (RFC 7541, appendix B), decoding only: what we send is not worth packing. */

/**
 * Bits of the code of each byte, then of the end mark. The code is canonical: codes of one length count up in the
 * order of their bytes, so that lengths are all there is to know.
 */
const CODE_LENGTHS: readonly number[] = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28,
  28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7,
  8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19,
  13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13,
  28, 20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21,
  22, 23, 22, 23, 23, 24, 22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23,
  22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
  19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25,
  25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26, 30,
];

const END_MARK = 256;

/**
 * A binary tree: two entries a node, for the bits 0 and 1. Positive: the next node; negative: the byte of -1 - entry;
 * 0: no code.
 */
let tree: Int16Array | undefined;

/**
 * Decodes a string.
 *
 * @returns It as Latin-1; undefined when the bytes are no such code.
 */
export function decodeHuffman(bytes: Buffer, from: number, to: number): string | undefined {
  const nodes = (tree ??= buildTree());
  let text = '';
  let node = 0;
  /** Bits since the last byte, and whether all of them were 1: what may stand at the end. */
  let depth = 0;
  let isOnes = true;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    for (let shift = 7; shift >= 0; shift -= 1) {
      const bit = (byte >> shift) & 1;
      const next = nodes[2 * node + bit] ?? 0;
      if (next > 0) {
        node = next;
        depth += 1;
        isOnes &&= bit === 1;
      } else {
        const symbol = -1 - next;
        if (next === 0 || symbol === END_MARK) return undefined;
        text += String.fromCharCode(symbol);
        node = 0;
        depth = 0;
        isOnes = true;
      }
    }
  }
  return depth <= 7 && isOnes ? text : undefined;
}

function buildTree(): Int16Array {
  const symbols = CODE_LENGTHS.map((length, symbol) => ({ length, symbol })).toSorted(
    (a, b) => a.length - b.length || a.symbol - b.symbol,
  );
  const nodes = new Int16Array(2 * symbols.length);
  let used = 1;
  let code = 0;
  let lastLength = 0;
  for (const { length, symbol } of symbols) {
    code *= 2 ** (length - lastLength);
    lastLength = length;
    let node = 0;
    for (let shift = length - 1; shift > 0; shift -= 1) {
      const entry = 2 * node + ((code >>> shift) & 1);
      if (nodes[entry] === 0) {
        nodes[entry] = used;
        used += 1;
      }
      node = nodes[entry] ?? 0;
    }
    nodes[2 * node + (code & 1)] = -1 - symbol;
    code += 1;
  }
  return nodes;
}
