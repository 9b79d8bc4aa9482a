import { decodeBytesTensor, type Tensor } from '@nereid/protocol';
import { InferResult } from '@nereid/client';

/** The tolerances of ONNX's own runner. */
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-7;

/**
 * Says how an output differs from the expected one; undefined when it does not. Floats may differ a little, all else
 * is exact.
 */
export function compareTensor(expected: Tensor, found: Tensor): string | undefined {
  if (found.datatype !== expected.datatype)
    return `datatype ${found.datatype}, expected ${expected.datatype}`;
  if (!sameShape(expected.shape, found.shape)) {
    return `shape [${found.shape.join()}], expected [${expected.shape.join()}]`;
  }
  if (expected.datatype === 'BYTES') return compareElements(textsOf(expected), textsOf(found), Object.is);
  const isFloat = /^B?FP?\d/.test(expected.datatype);
  return compareElements(valuesOf(expected), valuesOf(found), isFloat ? isClose : Object.is);
}

/** The protocol has no scalars for models without a configuration: [1] stands for []. */
function sameShape(expected: readonly number[], found: readonly number[]): boolean {
  if (expected.length === 0 && found.length === 1) return found[0] === 1;
  return expected.length === found.length && expected.every((dimension, at) => dimension === found[at]);
}

function compareElements<T>(
  expected: readonly T[],
  found: readonly T[],
  same: (a: T, b: T) => boolean,
): string | undefined {
  if (expected.length !== found.length) return `${found.length} elements, expected ${expected.length}`;
  for (const [at, wanted] of expected.entries()) {
    const got = found[at];
    if (got === undefined || !same(wanted, got))
      return `element ${at} is ${String(got)}, expected ${String(wanted)}`;
  }
  return undefined;
}

function isClose(expected: unknown, found: unknown): boolean {
  if (typeof expected !== 'number' || typeof found !== 'number') return false;
  if (Number.isNaN(expected)) return Number.isNaN(found);
  if (!Number.isFinite(expected)) return expected === found;
  return Math.abs(found - expected) <= ABSOLUTE + RELATIVE * Math.abs(expected);
}

function valuesOf(tensor: Tensor): readonly (number | bigint | boolean | string)[] {
  const result = new InferResult({
    modelName: '',
    modelVersion: '',
    id: '',
    parameters: undefined,
    outputs: [tensor],
  });
  return Array.from<number | bigint | boolean | string>(result.output(tensor.name));
}

function textsOf(tensor: Tensor): readonly string[] {
  return decodeBytesTensor(tensor.data).map((element) => Buffer.from(element).toString('latin1'));
}
