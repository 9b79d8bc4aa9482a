import {
  createTensor,
  fromConfigDatatype,
  InferenceServerError,
  type BackendResponse,
  type Datatype,
  type ModelConfig,
  type Parameters,
  type Tensor,
} from '@nereid/backend-sdk';
import { toTensorValues, type ElementValues } from './element-values.ts';

/** A response of a model. */
export interface ModelResponse {
  /** Outputs by name. Those that the client does not want are left out. Default: none. */
  readonly outputs?: Readonly<Record<string, OutputValue>>;
  /** Response parameters that go to the client. */
  readonly parameters?: Parameters;
}

/**
 * What an output can be made of. The datatype is that of the configuration. Without a shape the elements fill
 * the configuration's dimensions, behind the request's batch size if the model batches; one of them may be variable.
 */
export type OutputValue = ElementValues | ShapedValues | Tensor;

/** Elements with their shape, the batch dimension included. */
export interface ShapedValues {
  readonly shape: readonly number[];
  readonly values: ElementValues;
  /** Default: the configuration's. */
  readonly datatype?: Datatype;
}

/** What turns the values of a model's author into tensors. */
export class ResponseBuilder {
  readonly #config: ModelConfig;

  constructor(config: ModelConfig) {
    this.#config = config;
  }

  /**
   * @throws InferenceServerError INTERNAL when an output is not in the configuration and brings no datatype, or its
   *   values do not fit the datatype or the shape.
   */
  build({ outputs = {}, parameters }: ModelResponse, request: WantedOutputs): BackendResponse {
    const wanted = Object.entries(outputs).filter(
      ([name]) => request.wants(name) || this.#declarationOf(name) === undefined,
    );
    const tensors = this.buildTensors(Object.fromEntries(wanted), request.batchSize);
    return parameters === undefined ? { outputs: tensors } : { outputs: tensors, parameters };
  }

  /** @throws InferenceServerError INTERNAL as `build`. */
  buildTensors(values: Readonly<Record<string, OutputValue>>, batchSize: number): Tensor[] {
    return Object.entries(values).map(([name, value]) => this.#tensor(name, value, batchSize));
  }

  /**
   * State outputs by name, `{ STATE: values }`.
   *
   * @throws InferenceServerError INTERNAL also when a name is none of the configuration's states, or a list is given: a
   *   state that is dropped would have the model begin anew in each step.
   */
  buildStates(states: Readonly<Record<string, OutputValue>>, batchSize: number): Tensor[] {
    const declared = this.#config.sequence_batching?.state.map((state) => state.output_name) ?? [];
    const given = Array.isArray(states) ? ['a list'] : Object.keys(states).map((name) => `'${name}'`);
    const unknown = given.find((name) => !declared.some((known) => `'${known}'` === name));
    if (unknown !== undefined) {
      const expected = declared.map((name) => `'${name}'`).join(', ') || 'none, as no state is declared';
      throw new InferenceServerError(
        'INTERNAL',
        `model '${this.#config.name}' rescheduled a request with ${unknown}: expected state outputs by name, ` +
          `as in reschedule({ STATE: values }); the names in 'sequence_batching.state' are ${expected}`,
      );
    }
    return this.buildTensors(states, batchSize);
  }

  /** What the configuration says of an output, or of the output that carries a sequence's state. */
  #declarationOf(name: string): DeclaredOutput | undefined {
    const { output, sequence_batching: sequence } = this.#config;
    return (
      output.find((declared) => declared.name === name) ??
      sequence?.state.find((state) => state.output_name === name)
    );
  }

  #tensor(name: string, value: OutputValue, batchSize: number): Tensor {
    if (isTensor(value)) return { name, datatype: value.datatype, shape: value.shape, data: value.data };
    try {
      return this.#fromValues(name, isShaped(value) ? value : { values: value }, batchSize);
    } catch (cause) {
      // Without the model's name what is wrong with a tensor reads as if the client had sent it.
      const { code, message } = InferenceServerError.from(cause);
      const { name: model } = this.#config;
      throw new InferenceServerError(code, `wrong output of model '${model}': ${message}`, { cause });
    }
  }

  #fromValues(
    name: string,
    shaped: ShapedValues | { readonly values: ElementValues },
    batchSize: number,
  ): Tensor {
    const datatype = ('datatype' in shaped ? shaped.datatype : undefined) ?? this.#datatypeOf(name);
    const values = toTensorValues(name, datatype, shaped.values);
    const shape = 'shape' in shaped ? shaped.shape : this.#shapeOf(name, values.length, batchSize);
    return createTensor(name, datatype, shape, values);
  }

  #datatypeOf(name: string): Datatype {
    const declared = this.#declarationOf(name);
    const datatype = declared && fromConfigDatatype(declared.data_type);
    if (datatype !== undefined) return datatype;
    const names = this.#config.output.map((output) => `'${output.name}'`).join(', ');
    throw new InferenceServerError('INTERNAL', `there is no output '${name}', expected one of ${names}`);
  }

  #shapeOf(name: string, length: number, batchSize: number): readonly number[] {
    const dims = this.#declarationOf(name)?.dims ?? [];
    const shape = this.#config.max_batch_size > 0 ? [batchSize, ...dims] : [...dims];
    const open = shape.filter((dim) => dim < 0).length;
    const known = shape.reduce((product, dim) => (dim < 0 ? product : product * dim), 1);
    if (open === 0) return shape;
    if (open === 1 && known > 0 && length % known === 0) {
      return shape.map((dim) => (dim < 0 ? length / known : dim));
    }
    throw new InferenceServerError(
      'INTERNAL',
      `output '${name}': ${length} elements do not tell a shape ` +
        `of [${shape.join(',')}], answer { shape, values }`,
    );
  }
}

interface DeclaredOutput {
  readonly data_type: string;
  readonly dims: readonly number[];
}

/** What a response depends on. */
export interface WantedOutputs {
  readonly batchSize: number;
  wants(output: string): boolean;
}

function isTensor(value: OutputValue): value is Tensor {
  return typeof value === 'object' && 'data' in value && 'datatype' in value;
}

function isShaped(value: OutputValue): value is ShapedValues {
  return typeof value === 'object' && 'values' in value && 'shape' in value;
}
