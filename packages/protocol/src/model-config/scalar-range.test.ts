import { ScalarType } from '@bufbuild/protobuf';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { integerRange, rangeError, toBigInt, toFloat32 } from './scalar-range.ts';

test('integers are checked against the bounds of their type', () => {
  for (const type of [ScalarType.INT32, ScalarType.UINT32, ScalarType.INT64, ScalarType.UINT64]) {
    const range = integerRange(type);
    assert.ok(range);
    assert.equal(rangeError(range.min, range), undefined);
    assert.equal(rangeError(range.max, range), undefined);
    assert.match(rangeError(range.min - 1n, range) ?? '', new RegExp(`^expected ${range.name} `));
    assert.match(rangeError(range.max + 1n, range) ?? '', new RegExp(`^expected ${range.name} `));
  }
});

test('only integer types have a range', () => {
  assert.equal(integerRange(ScalarType.FLOAT), undefined);
  assert.equal(integerRange(undefined), undefined);
});

test('the greatest 64-bit integers survive being a number', () => {
  const range = integerRange(ScalarType.UINT64);
  assert.ok(range);
  assert.equal(toBigInt(Number(range.max), range), range.max);
  assert.equal(toBigInt(-1, range), 0n);
});

test('a single-precision value is the shortest decimal that stands for it', () => {
  assert.equal(toFloat32(0.1), 0.1);
  assert.equal(toFloat32(Math.fround(0.1)), 0.1);
  assert.equal(toFloat32(1 / 3), 0.33333334);
  assert.equal(toFloat32(1e39), Infinity);
  assert.ok(Number.isNaN(toFloat32(NaN)));
  assert.ok(Object.is(toFloat32(-0), -0));
});

test('shortening keeps the single-precision value', () => {
  fc.assert(fc.property(fc.float(), (x) => Object.is(Math.fround(toFloat32(x)), x)));
});
