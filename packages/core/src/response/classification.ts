import { elementCount, encodeBytesTensor, InferenceServerError, type Tensor } from '@nereid/protocol';
import { elementReader } from './element-reader.ts';

/** More elements than this per batch row are refused, as in Triton. */
const MAX_ELEMENTS = 1_000_000;

type Scores = ArrayLike<number | bigint>;

/** How an output is classified. */
export interface ClassificationOptions {
  /** Number of classes wanted, at least 1; more than there are means all. */
  readonly count: number;
  readonly labels: readonly string[];
  /** Whether the first dimension is the batch. */
  readonly hasBatch: boolean;
}

/**
 * Replaces an output by its best classes, as BYTES `value:index` or `value:index:label` in descending order of
 * the value, in shape [batch, K], or [K] without a batch dimension (HTTP-47).
 *
 * @throws InferenceServerError INVALID_ARG for a datatype without an order, or too many elements.
 */
export function classify(output: Tensor, { count, labels, hasBatch }: ClassificationOptions): Tensor {
  const read = elementReader(output.datatype);
  if (read === undefined) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `class result not available for output due to unsupported type '${output.datatype}'`,
    );
  }
  const rows = hasBatch ? (output.shape[0] ?? 1) : 1;
  const columns = rows === 0 ? 0 : Math.max(0, elementCount(output.shape)) / rows;
  if (columns > MAX_ELEMENTS) {
    throw new InferenceServerError(
      'INVALID_ARG',
      `output '${output.name}' has ${columns} elements, more than the ${MAX_ELEMENTS} that can be classified`,
    );
  }
  const view = new DataView(output.data.buffer, output.data.byteOffset, output.data.byteLength);
  const isFloat = output.datatype.startsWith('FP');
  const kept = Math.min(count, columns);
  const texts: string[] = [];
  for (let row = 0; row < rows; row += 1) {
    const scores = Array.from({ length: columns }, (_, at) => read(view, row * columns + at));
    for (const index of bestIndices(scores, kept))
      texts.push(describe(scores[index] ?? 0, index, labels, isFloat));
  }
  const shape = hasBatch ? [rows, kept] : [kept];
  return { name: output.name, datatype: 'BYTES', shape, data: encodeBytesTensor(texts) };
}

/** Equal scores keep their order; NaN comes last. */
function bestIndices(scores: Scores, count: number): number[] {
  const indices = Array.from({ length: scores.length }, (_, at) => at);
  indices.sort((a, b) => {
    const left = scores[a] ?? 0;
    const right = scores[b] ?? 0;
    if (left > right) return -1;
    if (left < right) return 1;
    return Number(Number.isNaN(left)) - Number(Number.isNaN(right)) || a - b;
  });
  return indices.slice(0, count);
}

/** Floating-point values have six decimals. */
function describe(
  value: number | bigint,
  index: number,
  labels: readonly string[],
  isFloat: boolean,
): string {
  const label = labels[index];
  const text = isFloat ? Number(value).toFixed(6) : String(value);
  return label === undefined ? `${text}:${index}` : `${text}:${index}:${label}`;
}
