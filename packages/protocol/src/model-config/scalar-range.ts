/** Numbers of the proto scalar types as JavaScript numbers. */
import { ScalarType } from '@bufbuild/protobuf';

/** The name of an integer type, and the least and greatest value it can hold. */
export interface IntegerRange {
  readonly name: string;
  readonly min: bigint;
  readonly max: bigint;
}

const INTEGER_RANGES: ReadonlyMap<ScalarType, IntegerRange> = new Map([
  [ScalarType.INT32, { name: 'int32', min: -(2n ** 31n), max: 2n ** 31n - 1n }],
  [ScalarType.UINT32, { name: 'uint32', min: 0n, max: 2n ** 32n - 1n }],
  [ScalarType.INT64, { name: 'int64', min: -(2n ** 63n), max: 2n ** 63n - 1n }],
  [ScalarType.UINT64, { name: 'uint64', min: 0n, max: 2n ** 64n - 1n }],
]);

/** The range of an integer type; undefined for any other type. */
export function integerRange(type: ScalarType | undefined): IntegerRange | undefined {
  return type === undefined ? undefined : INTEGER_RANGES.get(type);
}

/** Why an integer does not fit its type; undefined when it does. */
export function rangeError(value: bigint, range: IntegerRange): string | undefined {
  if (value >= range.min && value <= range.max) return undefined;
  return `expected ${range.name} (${range.min} to ${range.max})`;
}

/**
 * An integer field's number as a bigint of its type. Numbers above 2^53 stand for the nearest value they can
 * express, so the greatest values of 64-bit types come out a little too great and are put back into range.
 */
export function toBigInt(value: number, range: IntegerRange): bigint {
  const integer = BigInt(value);
  if (integer > range.max) return range.max;
  return integer < range.min ? range.min : integer;
}

/** A single-precision value as the shortest decimal that stands for it: 0.1, not 0.10000000149011612. */
export function toFloat32(value: number): number {
  const single = Math.fround(value);
  // Infinity and NaN have no digits, and those of -0 would lose its sign.
  if (!Number.isFinite(single) || single === 0) return single;
  const shortest = [6, 7, 8, 9].map((digits) => Number(single.toPrecision(digits)));
  return shortest.find((candidate) => Math.fround(candidate) === single) ?? single;
}
