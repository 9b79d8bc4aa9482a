/** Tensors whose memory may serve for others as soon as their response is sent. */
import type { InferRequestMessage, Tensor } from '@nereid/protocol';
import type { InferenceResponse } from './inference-response.ts';

/** In bytes; memory of its own is larger. */
const LARGE_TENSOR = 1 << 17;

/**
 * What of a request and its response the taker of the response may give back, by `releaseBuffers`, when it has sent it.
 *
 * @returns undefined: nothing that would be worth it.
 */
export function spentTensors(
  { sequence }: InferRequestMessage,
  isTraced: boolean,
  response: InferenceResponse | undefined,
): readonly Tensor[] | undefined {
  // Of a sequence, its batcher may need them for rows that fill up a batch; of a trace, whoever writes it.
  if (sequence !== undefined || isTraced) return undefined;
  const spent = response?.spent;
  return spent?.some(({ data }) => data.byteLength >= LARGE_TENSOR) === true ? spent : undefined;
}
