/** The answers to a plain batch, in the slot that it came in. */
import type { Tensor } from '@nereid/protocol';
import type { InferenceResponse } from '../response/inference-response.ts';
import type { Outcome } from './batch-transfer.ts';
import type { ExecutionEnd } from './executor-messages.ts';
import {
  ANSWER_COUNT,
  ANSWER_RECORDS,
  ANSWER_RECORDS_END,
  DATA_END,
  FAILED,
  INFER_NS,
  INPUT_NS,
  OUTPUT_END,
  type Slot,
} from './slot.ts';
import { TensorReader, writeTensor } from './slot-tensor.ts';
import type { TensorHead } from './tensor-heads.ts';

/**
 * Writes the answers to all requests of a batch behind its inputs, on which outputs may be views.
 *
 * @param heads - The model's outputs.
 * @returns Whether they could be: they are outputs and nothing else, and they fit.
 */
export function writeAnswers(
  slot: Slot,
  outcomes: readonly Outcome[],
  heads: readonly TensorHead[],
  { times, failed }: ExecutionEnd,
): boolean {
  const { words, doubles, bytes } = slot;
  let at = ANSWER_RECORDS;
  let offset = slot.get(DATA_END);
  for (const { index, response, final, isRescheduled } of outcomes) {
    if (response === undefined || !final || isRescheduled) return false;
    if (response.parameters !== undefined || response.error !== undefined) return false;
    if (at + 2 > ANSWER_RECORDS_END) return false;
    words[at] = index;
    words[at + 1] = response.outputs.length;
    at += 2;
    for (const [guess, tensor] of response.outputs.entries()) {
      at = writeTensor(slot, at, ANSWER_RECORDS_END, { tensor, heads, guess, owner: index, offset });
      if (at < 0 || offset + tensor.data.byteLength > bytes.byteLength) return false;
      bytes.set(tensor.data, offset);
      offset += tensor.data.byteLength;
    }
  }
  doubles[INPUT_NS] = times.inputNs;
  doubles[INFER_NS] = times.inferNs;
  words[FAILED] = Number(failed);
  words[ANSWER_COUNT] = outcomes.length;
  words[OUTPUT_END] = offset;
  return true;
}

/** The final response to one request of a batch. */
export interface SlotAnswer {
  readonly index: number;
  readonly response: InferenceResponse;
}

/** Reads the answers out of a slot, which is free then: their bytes are copied, all at once. */
export function readAnswers(
  slot: Slot,
  heads: readonly TensorHead[],
): { answers: SlotAnswer[]; end: ExecutionEnd } {
  const start = slot.get(DATA_END);
  const bytes = slot.bytes.slice(start, slot.get(OUTPUT_END));
  const answers: SlotAnswer[] = [];
  let at = ANSWER_RECORDS;
  for (let left = slot.get(ANSWER_COUNT); left > 0; left -= 1) {
    const index = slot.get(at);
    const tensors = new TensorReader(slot, at + 2, heads);
    const outputs: Tensor[] = [];
    for (let count = slot.get(at + 1); count > 0; count -= 1) outputs.push(tensors.next(bytes, start));
    at = tensors.at;
    answers.push({ index, response: { outputs, parameters: undefined, error: undefined } });
  }
  const [, inputNs = 0, inferNs = 0] = slot.doubles;
  return { answers, end: { times: { inputNs, inferNs, outputNs: 0 }, failed: slot.get(FAILED) === 1 } };
}
