import type { InferRequestedOutput as InferRequestedOutputMessage, SharedMemoryRef } from '@nereid/protocol';

/** An output to ask for; a plain name stands for all defaults. */
export interface InferRequestedOutput {
  readonly name: string;
  /**
   * The K best classes as `value:index[:label]` strings instead of the tensor. Default: 0, the tensor itself.
   */
  readonly classification?: number;
  /** HTTP only: as bytes after the JSON rather than a JSON list. Default: the `binaryData` of the request. */
  readonly binaryData?: boolean;
  /** Where the server puts the bytes of the output, instead of sending them. */
  readonly sharedMemory?: SharedMemoryRef;
}

/** Fills in the defaults. */
export function resolveRequestedOutput(
  output: string | InferRequestedOutput,
  binaryData: boolean,
): InferRequestedOutputMessage {
  if (typeof output === 'string') return { name: output, classification: 0, binaryData };
  return { binaryData, ...output, classification: output.classification ?? 0 };
}
