/** APIs that only callers with a key may use (`--http-restricted-api`). */
import type { IncomingHttpHeaders } from 'node:http';

/** The groups of paths that can be restricted. */
export type HttpApi =
  | 'health'
  | 'metadata'
  | 'inference'
  | 'shared-memory'
  | 'model-config'
  | 'model-repository'
  | 'statistics'
  | 'trace'
  | 'logging';

/** Requests to these groups must carry the header with exactly this value. */
export interface HttpRestriction {
  readonly groups: readonly string[];
  readonly header: string;
  readonly value: string;
}

/** The restriction of a group, if it has one. */
export function restrictionOf(
  api: HttpApi,
  restrictions: readonly HttpRestriction[],
): HttpRestriction | undefined {
  return restrictions.find(({ groups }) => groups.includes(api));
}

/** Whether the headers of a request hold the key. */
export function isAllowed({ header, value }: HttpRestriction, headers: IncomingHttpHeaders): boolean {
  return headers[header.toLowerCase()] === value;
}
