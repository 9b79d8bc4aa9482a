import { InferenceServerError } from '@nereid/protocol/inference-server-error';
import type { Backend, InstanceHostKind } from './backend.ts';

/** Version of this SDK's contract. A backend's manifest names the range that it works with. */
export const SDK_VERSION = '0.1.0';

const HOSTS: readonly InstanceHostKind[] = ['executor-thread', 'own-thread', 'in-process', 'child-process'];

/** A backend as its author writes it: `instanceHost` may be left out. */
export type BackendDefinition = Omit<Backend, 'instanceHost'> & { readonly instanceHost?: InstanceHostKind };

/**
 * Declares a backend. The entry module of a backend package exports the result as its default.
 *
 * ```ts
 * export default defineBackend({
 *   name: 'double',
 *   instanceHost: 'in-process',
 *   createModel: () => ({
 *     createInstance: () => ({
 *       execute(requests) {
 *         for (const request of requests) request.send({ outputs: double(request.inputs) });
 *       },
 *     }),
 *   }),
 * });
 * ```
 *
 * @throws InferenceServerError INVALID_ARG when the declaration is incomplete.
 */
export function defineBackend(definition: BackendDefinition): Backend {
  const instanceHost = definition.instanceHost ?? 'executor-thread';
  assertDefinition(/^[\w-]+$/.test(definition.name), 'name', 'letters, digits, _ and -', definition.name);
  assertDefinition(HOSTS.includes(instanceHost), 'instanceHost', HOSTS.join(', '), instanceHost);
  assertDefinition(
    typeof definition.createModel === 'function',
    'createModel',
    'a function',
    typeof definition.createModel,
  );
  return Object.freeze({ ...definition, instanceHost });
}

function assertDefinition(ok: boolean, field: string, expected: string, found: string): void {
  if (ok) return;
  throw new InferenceServerError(
    'INVALID_ARG',
    `backend definition: '${field}' must be ${expected}, found '${found}'`,
  );
}
