import { fromConfigDatatype, type Datatype, type Tensor } from '@nereid/protocol';
import type { ModelConfig } from '@nereid/protocol/model-config';
import { createControlInputs, NOT_READY } from '../scheduler/control-inputs.ts';

/** What a model's configuration says of a tensor. Both ends of an executor know it: a number stands for it on the way. */
export interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
}

/** The tensors of a model. */
export interface ModelHeads {
  readonly inputs: readonly TensorHead[];
  readonly outputs: readonly TensorHead[];
}

/** The tensors that requests and responses of a model may have, those of its sequences among them. */
export function headsOf(config: ModelConfig): ModelHeads {
  const { input, output, sequence_batching: sequences } = config;
  const states = sequences?.state ?? [];
  return {
    inputs: [
      ...toHeads(input),
      ...createControlInputs(config)
        .create(NOT_READY)
        .map(({ name, datatype }) => ({ name, datatype })),
      ...toHeads(states.map(({ input_name: name, data_type }) => ({ name, data_type }))),
    ],
    outputs: [
      ...toHeads(output),
      ...toHeads(states.map(({ output_name: name, data_type }) => ({ name, data_type }))),
    ],
  };
}

function toHeads(tensors: readonly { readonly name: string; readonly data_type: string }[]): TensorHead[] {
  return tensors.flatMap(({ name, data_type: type }) => {
    const datatype = fromConfigDatatype(type);
    return datatype === undefined ? [] : [{ name, datatype }];
  });
}

/**
 * The number of a tensor's head; -1: the configuration has none like it.
 *
 * @param guess - Where it is most likely: tensors mostly come in the configuration's order.
 */
export function indexOfHead(heads: readonly TensorHead[], tensor: Tensor, guess: number): number {
  if (isHeadOf(heads[guess], tensor)) return guess;
  return heads.findIndex((head) => isHeadOf(head, tensor));
}

function isHeadOf(head: TensorHead | undefined, { name, datatype }: Tensor): boolean {
  return head?.name === name && head.datatype === datatype;
}
