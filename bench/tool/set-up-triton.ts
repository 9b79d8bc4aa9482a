import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeVenv } from '../../tests/python/venv.ts';

const REQUIREMENTS = fileURLToPath(new URL('./triton-requirements.txt', import.meta.url));

/**
 * The folder of a virtual environment with the Triton that comes with PyPI's `nvidia-pytriton`, made on the first call.
 *
 * @throws Error without Python, or with pip's own words.
 */
export function setUpTriton(): string {
  const interpreter = makeVenv('nereid-bench-triton', REQUIREMENTS, ['--progress-bar=on']);
  return dirname(dirname(interpreter));
}
