import type { Parameters } from '@nereid/backend-sdk';

/** Set by the OpenAI endpoints, of the `Authorization` header; clients can't set it, the prefix is the server's. */
export const SERVER_KEY_PARAMETER = 'triton_client_key';

/**
 * Whose share of the engines a request has.
 *
 * @param given - Name of the parameter that V2 requests tell it by (`client_key_parameter`); undefined: they have one share together.
 * @returns '' for nobody's.
 */
export function clientKeyOf(parameters: Parameters, given: string | undefined): string {
  const known = parameters[SERVER_KEY_PARAMETER];
  if (known !== undefined) return String(known);
  const told = given === undefined ? undefined : parameters[given];
  // Beside what the server knows, whatever it says: nobody takes the share of a client of the OpenAI endpoints.
  return told === undefined || told === '' ? '' : `told:${String(told)}`;
}
