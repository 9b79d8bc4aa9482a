import { InferenceServerError } from '@nereid/protocol';
import { openInstalledBackends } from '../backend/installed-backends.ts';
import type { BackendStatus } from '../backend/backend-registry.ts';

const FLAG = '--backend-directory';

/**
 * The backends that a server would find.
 *
 * @throws InferenceServerError INVALID_ARG for a flag that this command does not have.
 */
export async function discoverInstalled(
  flags: readonly string[],
): Promise<{ readonly backends: readonly BackendStatus[] }> {
  const directories = flags.map((flag) => {
    const [name, value] = flag.split('=', 2);
    if (name === FLAG && value !== undefined) return value;
    throw new InferenceServerError(
      'INVALID_ARG',
      `unknown option ${flag}: nereid backends takes ${FLAG}=<path>`,
    );
  });
  const { registry } = await openInstalledBackends(directories, {});
  return { backends: registry.status() };
}
