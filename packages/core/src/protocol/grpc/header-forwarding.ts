import type { InferRequestMessage, ParameterValue } from '@nereid/protocol';
import type { CallMetadata } from './call.ts';

/**
 * The request with the metadata whose keys match as string parameters (`--grpc-header-forward-pattern`); itself
 * when there are none. Binary metadata is left out, and what begins with `triton_`: only the server sets such parameters.
 */
export function forwardHeaders(
  message: InferRequestMessage,
  metadata: CallMetadata,
  pattern: RegExp | undefined,
): InferRequestMessage {
  if (pattern === undefined) return message;
  const forwarded: Record<string, ParameterValue> = {};
  for (const [key, value] of metadata.entries()) {
    if (pattern.test(key) && !key.startsWith('triton_')) forwarded[key] = value;
  }
  if (Object.keys(forwarded).length === 0) return message;
  return { ...message, parameters: { ...message.parameters, ...forwarded } };
}
