import type { Datatype } from '@nereid/protocol/datatype';

/** A tensor that a model file takes or makes. */
export interface ModelTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** With the batch dimension, if the model has one; -1 for a variable dimension, empty for a scalar. */
  readonly shape: readonly number[];
  /** Whether the model runs without this input. Default: false. */
  readonly optional?: boolean;
}

/** What a model file says of its inputs and outputs. */
export interface ModelTensors {
  readonly inputs: readonly ModelTensor[];
  readonly outputs: readonly ModelTensor[];
}
