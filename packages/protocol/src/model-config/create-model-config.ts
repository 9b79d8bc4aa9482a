import type { ModelConfig } from '../gen/model-config.ts';
import { toModelConfig, type PlainMessage } from './plain-message.ts';

/** A value of type T in which every field of every message may be left out. */
export type Init<T> = T extends readonly (infer E)[]
  ? readonly Init<E>[]
  : T extends object
    ? { readonly [K in keyof T]?: Init<T[K]> }
    : T;

/**
 * A complete configuration from some of its fields. At every level, fields that are left out get their proto
 * defaults: `0`, `''`, `false`, `[]`, `{}`, the first value of an enum; messages and members of a oneof stay
 * absent. Triton's own defaults (a version policy, instances …) are not filled in.
 *
 * @param init - is not changed, and nothing of it is shared with the result.
 */
export function createModelConfig(init: Init<ModelConfig> = {}): ModelConfig {
  return toModelConfig(init as PlainMessage);
}
