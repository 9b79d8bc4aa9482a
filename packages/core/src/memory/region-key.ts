import { InferenceServerError } from '@nereid/protocol';

/** Objects that carry tensors to the processes of the Python backend; no client may look into them. */
const RESERVED_PREFIX = 'triton_python_backend_shm_region_';

/** @throws InferenceServerError INVALID_ARG for a key that names nothing, or something of the server's own. */
export function validateRegionKey(name: string, key: string): void {
  const bare = key.replace(/^\/+/, '');
  if (bare === '') {
    throw new InferenceServerError(
      'INVALID_ARG',
      `cannot register shared memory region '${name}' with key '${key}': expected the name of an object, as /my_region`,
    );
  }
  if (!bare.startsWith(RESERVED_PREFIX)) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `cannot register shared memory region '${name}' with key '${key}' as the key contains the reserved prefix ` +
      `'${RESERVED_PREFIX}'`,
  );
}
