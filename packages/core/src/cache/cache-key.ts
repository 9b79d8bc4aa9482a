import { createHash } from 'node:crypto';
import type { Tensor } from '@nereid/protocol';

/**
 * The key of a request: what its answer depends on. Requested outputs, parameters and id are not in it, as in
 * Triton (SCH-31); shapes and datatypes are, since the same bytes in another shape have another answer.
 *
 * SHA-256, as an answer is taken for a request's own by the key alone: two requests must not be made to share one.
 *
 * @param model - Name of the model; it begins the key, so that a model's entries can be found in a store.
 * @param identity - Stands for the model version and the state of its files.
 */
export function createCacheKey(model: string, identity: string, inputs: readonly Tensor[]): string {
  const sorted = inputs.length > 1 ? inputs.toSorted((a, b) => (a.name < b.name ? -1 : 1)) : inputs;
  const heads = sorted.map(({ name, datatype, shape, data }) => [name, datatype, shape, data.byteLength]);
  const hash = createHash('sha256').update(JSON.stringify([identity, heads]));
  for (const { data } of sorted) hash.update(data);
  return `${model}/${hash.digest('base64url')}`;
}
