import { InferenceServerError } from '@nereid/backend-sdk';

/**
 * The name by which an engine has an adapter: its own.
 *
 * @throws InferenceServerError INVALID_ARG in Triton's words when there is none of that name.
 */
export function resolveLora(name: string, adapters: ReadonlyMap<string, string>): string {
  if (adapters.has(name)) return name;
  if (adapters.size === 0) throw new InferenceServerError('INVALID_ARG', 'LoRA feature is not enabled.');
  const supported = [...adapters.keys()].map((adapter) => `'${adapter}'`).join(', ');
  throw new InferenceServerError(
    'INVALID_ARG',
    `LoRA ${name} is not supported, we currently support [${supported}]`,
  );
}
