/**
 * A text → a vector: how often its words occur, spread over fixed places, so that texts with the same words point the same
 * way. It needs no download; examples/07-rag embeds with a neural network.
 */
import { createHash } from 'node:crypto';
import { defineModel } from '@nereid/backend-script';

const SIZE = 512;

/** Words that say nothing about what a text is about. */
const COMMON = new Set(
  'a an and are as at be by can do for from has have how i if in is it its me my not of on one or that the their there they this to what when where which who why with you your'.split(
    ' ',
  ),
);

export default defineModel({
  config: {
    max_batch_size: 64,
    input: [{ name: 'TEXT', data_type: 'TYPE_STRING', dims: [1] }],
    output: [{ name: 'VECTOR', data_type: 'TYPE_FP32', dims: [SIZE] }],
  },
  execute(request) {
    const texts = request.input('TEXT').toStrings();
    const vectors = new Float32Array(texts.length * SIZE);
    for (const [row, text] of texts.entries()) fill(vectors.subarray(row * SIZE, (row + 1) * SIZE), text);
    return { outputs: { VECTOR: vectors } };
  },
});

/** Writes the vector of a text, whose length becomes 1. */
function fill(vector: Float32Array, text: string): void {
  for (const word of text.toLowerCase().match(/[a-z0-9]+/g) ?? []) {
    if (!COMMON.has(word)) vector[placeOf(stemOf(word))] = 1 + (vector[placeOf(stemOf(word))] ?? 0) / 2;
  }
  const length = Math.hypot(...vector);
  if (length > 0) for (const at of vector.keys()) vector[at] = (vector[at] ?? 0) / length;
}

/** `batches`, `batching` and `batch` are one word. */
function stemOf(word: string): string {
  return word.length > 4 ? word.replace(/(?:ing|ed|es|s)$/, '') : word;
}

function placeOf(word: string): number {
  return createHash('md5').update(word).digest().readUInt16LE(0) % SIZE;
}
