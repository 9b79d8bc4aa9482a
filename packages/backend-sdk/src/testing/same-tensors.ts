import assert from 'node:assert/strict';
import type { Tensor } from '@nereid/protocol';
import { tensorView } from '../tensor.ts';

/**
 * Asserts that two lists of tensors are equal, whatever their order.
 *
 * @param tolerance - Largest difference allowed between floating-point elements. Default: 0.
 */
export function assertSameTensors(
  found: readonly Tensor[],
  expected: readonly Tensor[],
  tolerance = 0,
): void {
  const byName = (a: Tensor, b: Tensor): number => (a.name < b.name ? -1 : 1);
  const left = [...found].sort(byName);
  const right = [...expected].sort(byName);
  assert.deepEqual(left.map(headOf), right.map(headOf));
  for (const [index, tensor] of left.entries()) {
    const other = right[index];
    if (other !== undefined) assertSameData(tensor, other, tolerance);
  }
}

function headOf({ name, datatype, shape }: Tensor): object {
  return { name, datatype, shape: [...shape] };
}

function assertSameData(found: Tensor, expected: Tensor, tolerance: number): void {
  const isFloat = found.datatype === 'FP32' || found.datatype === 'FP64';
  if (tolerance === 0 || !isFloat) {
    assert.deepEqual(Buffer.from(found.data), Buffer.from(expected.data), `output '${found.name}' differs`);
    return;
  }
  const a = tensorView(found);
  const b = tensorView(expected);
  for (let i = 0; i < a.length; i += 1) {
    const difference = Math.abs(Number(a[i]) - Number(b[i]));
    assert.ok(difference <= tolerance, `output '${found.name}': element ${i} is ${a[i]}, expected ${b[i]}`);
  }
}
