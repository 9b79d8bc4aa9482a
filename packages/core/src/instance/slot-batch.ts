/** A plain batch in a slot: numbers in place of objects, as both ends know the model's tensors. */
import type { Tensor } from '@nereid/protocol';
import type { InferenceRequest } from '../request/inference-request.ts';
import { batchByteLength, gatherInputs } from './batch-transfer.ts';
import {
  ANSWER_RECORDS,
  BATCH,
  DATA_END,
  DATA_START,
  INSTANCE,
  REQUEST_COUNT,
  REQUEST_RECORDS,
  TENSOR_COUNT,
  type Slot,
} from './slot.ts';
import { readRequest, writeRequest, type SlotRequestFields } from './slot-request.ts';
import { TensorReader, writeTensor } from './slot-tensor.ts';
import type { ModelHeads } from './tensor-heads.ts';

/** A batch to be sent. */
export interface PlainBatch {
  readonly batch: number;
  readonly instance: number;
  readonly requests: readonly InferenceRequest[];
  readonly heads: ModelHeads;
}

/** One request of a batch as it came out of a slot. */
export interface SlotRequest extends SlotRequestFields {
  readonly inputs: Tensor[];
}

/**
 * Writes a batch into a slot.
 *
 * @returns Whether it could be: all its requests ask for nothing special, and it fits.
 */
export function writeBatch(slot: Slot, { batch, instance, requests, heads }: PlainBatch): boolean {
  const { words, doubles, bytes } = slot;
  // What is too large is not copied first.
  if (batchByteLength(requests) > bytes.byteLength - DATA_START) return false;
  let at = REQUEST_RECORDS;
  for (const request of requests) {
    at = writeRequest(slot, at, request, heads.outputs);
    if (at < 0) return false;
  }
  let count = 0;
  const end = gatherInputs(
    requests,
    { target: bytes, start: DATA_START },
    ({ row, column, tensor, offset }) => {
      at = writeTensor(slot, at, ANSWER_RECORDS, {
        tensor,
        heads: heads.inputs,
        guess: column,
        owner: row,
        offset,
      });
      count += 1;
      return at > 0;
    },
  );
  if (end < 0) return false;
  doubles[BATCH] = batch;
  words[INSTANCE] = instance;
  words[REQUEST_COUNT] = requests.length;
  words[TENSOR_COUNT] = count;
  words[DATA_END] = end;
  return true;
}

/** The requests of a batch; their inputs are views on the slot. */
export function readBatch(slot: Slot, { inputs, outputs }: ModelHeads): SlotRequest[] {
  const requests: SlotRequest[] = [];
  let at = REQUEST_RECORDS;
  for (let left = slot.get(REQUEST_COUNT); left > 0; left -= 1) {
    const { fields, next } = readRequest(slot, at, outputs);
    requests.push({ ...fields, inputs: [] });
    at = next;
  }
  const tensors = new TensorReader(slot, at, inputs);
  for (let left = slot.get(TENSOR_COUNT); left > 0; left -= 1) {
    const { owner } = tensors;
    requests[owner]?.inputs.push(tensors.next(slot.bytes, 0));
  }
  return requests;
}
