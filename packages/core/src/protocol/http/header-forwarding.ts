import { InferenceServerError, type InferRequestMessage, type ParameterValue } from '@nereid/protocol';

/** Parameters that mean something to the server itself. */
const RESERVED = new Set([
  'sequence_id',
  'sequence_start',
  'sequence_end',
  'priority',
  'timeout',
  'headers',
  'binary_data_output',
]);

/**
 * The request with the headers whose names match as string parameters (`--http-header-forward-pattern`); itself when
 * there are none.
 *
 * @param rawHeaders - Names as the client wrote them and values, in turn.
 * @throws InferenceServerError INVALID_ARG when a header has the name of a reserved parameter.
 */
export function forwardHeaders(
  message: InferRequestMessage,
  rawHeaders: readonly string[],
  pattern: RegExp | undefined,
): InferRequestMessage {
  if (pattern === undefined) return message;
  const forwarded: [string, ParameterValue][] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    if (!pattern.test(name)) continue;
    if (RESERVED.has(name) || name.startsWith('triton_')) {
      throw new InferenceServerError(
        'INVALID_ARG',
        `header '${name}' can't be forwarded: the parameter is reserved`,
      );
    }
    forwarded.push([name, rawHeaders[i + 1] ?? '']);
  }
  if (forwarded.length === 0) return message;
  return { ...message, parameters: { ...message.parameters, ...Object.fromEntries(forwarded) } };
}
