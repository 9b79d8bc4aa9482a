import type { Backend, BackendFolder } from '@nereid/backend-sdk';
import { InferenceServerError } from '@nereid/protocol';

/** What a backend is made of. Plain data: it travels. */
export interface BackendSource {
  /** URL of its entry module, or of its runtime's. */
  readonly entry: string;
  /** What the runtime makes it of; undefined for a backend with a module of its own. */
  readonly folder: BackendFolder | undefined;
}

/**
 * Imports a backend's entry module, or has its runtime make it.
 *
 * @throws InferenceServerError INTERNAL when the module can't be imported, INVALID_ARG when it exports no backend, or
 * none that is a runtime.
 */
export async function loadBackend({ entry, folder }: BackendSource): Promise<Backend> {
  const backend = await loadEntry(entry);
  if (folder === undefined) return backend;
  if (backend.createBackend !== undefined) return backend.createBackend(folder);
  throw new InferenceServerError(
    'INVALID_ARG',
    `backend '${folder.name}' names '${backend.name}' as its runtime, which runs no other backends`,
  );
}

async function loadEntry(entry: string): Promise<Backend> {
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
