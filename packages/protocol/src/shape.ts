/**
 * Number of elements of a shape. 1 for the empty shape (a scalar).
 *
 * @returns -1 when a dimension is negative or the product is not a safe integer.
 */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  let tooLarge = false;
  for (const dim of shape) {
    if (dim < 0) return -1;
    if (dim === 0) return shape.some((d) => d < 0) ? -1 : 0;
    count *= dim;
    tooLarge ||= !Number.isSafeInteger(count);
  }
  return tooLarge ? -1 : count;
}

/** A shape as it stands in messages: `[-1,4]`. */
export function shapeToString(shape: readonly number[]): string {
  return `[${shape.join(',')}]`;
}
