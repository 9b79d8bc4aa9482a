import { join } from 'node:path';
import { InferenceServerError } from '@nereid/backend-sdk';
import { pathExists } from './path-exists.ts';

/** Where virtual and conda environments have their Python, on any system. */
const PLACES = ['bin/python', 'bin/python3', 'Scripts/python.exe', 'python.exe'];

/**
 * The interpreter of an environment.
 *
 * @throws InferenceServerError INVALID_ARG when there is none.
 */
export async function pythonIn(directory: string): Promise<string> {
  for (const place of PLACES) {
    const file = join(directory, place);
    if (await pathExists(file)) return file;
  }
  throw new InferenceServerError(
    'INVALID_ARG',
    `${directory} is no Python environment: expected ${PLACES.slice(0, 2).join(' or ')} in it`,
  );
}
