import { join } from 'node:path';
import { InferenceServerError, type BackendFolder } from '@nereid/backend-sdk';

/** INVALID_ARG: a field of the manifest is not what it should be. @param field - Below `nereid.backend`. */
export function wrongManifest(
  { directory, manifest }: BackendFolder,
  field: string,
  expected: string,
  found: unknown = manifest[field],
): InferenceServerError {
  return new InferenceServerError(
    'INVALID_ARG',
    `${join(directory, 'package.json')}: nereid.backend.${field}: expected ${expected}, found ${JSON.stringify(found) ?? 'none'}`,
  );
}
