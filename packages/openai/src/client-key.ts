import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

const DIGITS = 16;

/** What models are told it by. Clients can set no parameter that begins so: nobody can pass for another one. */
export const CLIENT_KEY_PARAMETER = 'triton_client_key';

/**
 * Who asks, for fair shares: 16 hexadecimal digits that stand for the `Authorization` header, from which it can't be told.
 *
 * @returns undefined without that header.
 */
export function clientKeyOf({ authorization }: IncomingHttpHeaders): string | undefined {
  return authorization === undefined ? undefined : hash('sha256', authorization).slice(0, DIGITS);
}
