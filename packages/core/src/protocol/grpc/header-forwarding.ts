import type { InferRequestMessage, ParameterValue } from '@nereid/protocol';
import type { CallMetadata } from './call.ts';

/**
 * The request with the metadata whose keys match as string parameters (`--grpc-header-forward-pattern`); itself
 * when there are none. Binary metadata is left out.
 */
export function forwardHeaders(
  message: InferRequestMessage,
  metadata: CallMetadata,
  pattern: RegExp | undefined,
): InferRequestMessage {
  if (pattern === undefined) return message;
  const forwarded: Record<string, ParameterValue> = {};
  for (const [key, value] of metadata.entries()) {
    if (pattern.test(key)) forwarded[key] = value;
  }
  if (Object.keys(forwarded).length === 0) return message;
  return { ...message, parameters: { ...message.parameters, ...forwarded } };
}
