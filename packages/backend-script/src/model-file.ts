import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceServerError, type ModelContext } from '@nereid/backend-sdk';

/** Looked for in this order; the first is what the server takes for the default. */
const DEFAULT_FILENAMES = ['model.ts', 'model.mts', 'model.js', 'model.mjs'] as const;

export const [DEFAULT_FILENAME] = DEFAULT_FILENAMES;

/**
 * Path of a version's model file: what `default_model_filename` says, otherwise `model.ts` or one of the others.
 *
 * @throws InferenceServerError INVALID_ARG when it is not there.
 */
export function findModelFile({ config, versionDirectory }: ModelContext): string {
  const named = config.default_model_filename;
  const candidates = named === '' || named === DEFAULT_FILENAME ? DEFAULT_FILENAMES : [named];
  const found = candidates.find((file) => existsSync(join(versionDirectory, file)));
  if (found !== undefined) return join(versionDirectory, found);
  throw new InferenceServerError(
    'INVALID_ARG',
    `model '${config.name}': expected ${candidates.join(' or ')} in ${versionDirectory}, found none`,
  );
}
