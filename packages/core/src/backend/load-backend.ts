import type { Backend } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';

/**
 * Imports a backend's entry module.
 *
 * @param entry - URL of the module.
 * @throws InferenceServerError INTERNAL when it can't be imported, INVALID_ARG when it exports no backend.
 */
export async function loadBackend(entry: string): Promise<Backend> {
  const module = await importEntry(entry, 'backend');
  const backend = module.default;
  if (isBackend(backend)) return backend;
  throw new InferenceServerError(
    'INVALID_ARG',
    `backend module ${entry} has no backend as its default export: export default defineBackend({ … })`,
  );
}

/**
 * Imports the entry module of a package.
 *
 * @param what - What it brings, for the message.
 * @throws InferenceServerError INTERNAL when it can't be imported.
 */
export async function importEntry(entry: string, what: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(entry)) as { readonly default?: unknown };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InferenceServerError('INTERNAL', `${what} module ${entry} can't be loaded: ${reason}`, {
      cause,
    });
  }
}

function isBackend(value: unknown): value is Backend {
  return (
    typeof value === 'object' &&
    value !== null &&
    'name' in value &&
    'createModel' in value &&
    'instanceHost' in value
  );
}
