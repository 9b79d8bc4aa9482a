import type { StatusCode } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { configError, type ConfigSource } from '../config-source.ts';

/** A configuration that is checked, and what it is checked against. */
export interface ConfigCheck {
  readonly config: ModelConfig;
  readonly source: ConfigSource;
  /** The model's folder, in which files that the configuration names must lie. */
  readonly modelDirectory: string;
  /** The GPUs that this server can use. */
  readonly gpus: readonly number[];
}

/** Which tensor is checked: its field, and how messages name it. */
export interface CheckedTensor {
  readonly path: string;
  /** `model input 'X'`. */
  readonly what: string;
}

/**
 * Refuses a configuration.
 *
 * @param path - The field, as `input[0].dims`.
 * @throws InferenceServerError always, with the place of the field before the message.
 */
export function refuse({ source }: ConfigCheck, path: string, message: string, code?: StatusCode): never {
  throw configError(source, path, message, code);
}
