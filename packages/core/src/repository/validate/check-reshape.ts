import type { ModelInput, ModelOutput } from '@nereid/protocol/model-config';
import { refuse, type CheckedTensor, type ConfigCheck } from './check.ts';

/** A reshape must keep the elements: as many of them, between variable dimensions too (CFG-08). */
export function checkReshape(
  check: ConfigCheck,
  tensor: ModelInput | ModelOutput,
  where: CheckedTensor,
): void {
  const shape = tensor.reshape?.shape;
  if (shape === undefined) return;
  const { name, max_batch_size: maxBatchSize } = check.config;
  const { path, what } = where;
  if (shape.length === 0 && maxBatchSize === 0) {
    const rule = 'cannot have empty reshape for non-batching model as scalar tensors are not supported';
    refuse(check, `${path}.reshape`, `${what} ${rule} for ${name}`);
  }
  const wrong = shape.find((dim) => dim < 1 && dim !== -1);
  if (wrong !== undefined) {
    const rule = `reshape dimensions must be integer >= 1, or -1 to indicate a variable-size dimension for ${name}`;
    refuse(check, `${path}.reshape`, `${what} ${rule}, found ${wrong}`);
  }
  const from = segmentSizes(tensor.dims);
  const to = segmentSizes(shape);
  const found = `[${tensor.dims.join(',')}] and [${shape.join(',')}]`;
  if (from.length !== to.length) {
    const rule = `has different number of variable-size dimensions for dims and reshape for ${name}`;
    refuse(check, `${path}.reshape`, `${what} ${rule}: ${found}`);
  }
  if (from.every((size, at) => size === to[at])) return;
  refuse(check, `${path}.reshape`, `${what} has different size for dims and reshape for ${name}: ${found}`);
}

/** Elements before, between and after the variable dimensions: [2,3,-1,4] → [6,4]. */
function segmentSizes(shape: readonly number[]): readonly number[] {
  const sizes = [1];
  for (const dim of shape) {
    if (dim === -1) sizes.push(1);
    else sizes.push((sizes.pop() ?? 1) * dim);
  }
  return sizes;
}
