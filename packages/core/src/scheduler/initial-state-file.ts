import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceServerError } from '@nereid/protocol';

/**
 * The bytes of a file in a model's folder `initial_state`.
 *
 * @throws InferenceServerError INVALID_ARG when it can't be read.
 */
export function readInitialState(modelDirectory: string, file: string, modelName: string): Uint8Array {
  try {
    return new Uint8Array(readFileSync(join(modelDirectory, 'initial_state', file)));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError(
      'INVALID_ARG',
      `initial state of model '${modelName}' can't be read: ${reason}`,
      { cause },
    );
  }
}
