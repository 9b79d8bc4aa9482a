import type { Metadata } from '@grpc/grpc-js';
import type { InferRequestMessage, ParameterValue } from '@nereid/protocol';

/**
 * The request with the metadata whose keys match as string parameters (`--grpc-header-forward-pattern`); itself
 * when there are none. Binary metadata is left out.
 */
export function forwardHeaders(
  message: InferRequestMessage,
  metadata: Metadata,
  pattern: RegExp | undefined,
): InferRequestMessage {
  if (pattern === undefined) return message;
  const forwarded: Record<string, ParameterValue> = {};
  for (const [key, value] of Object.entries(metadata.getMap())) {
    if (typeof value === 'string' && pattern.test(key)) forwarded[key] = value;
  }
  if (Object.keys(forwarded).length === 0) return message;
  return { ...message, parameters: { ...message.parameters, ...forwarded } };
}
