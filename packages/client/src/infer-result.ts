import {
  InferenceServerError,
  decodeBytesTensor,
  type Datatype,
  type InferOutput,
  type InferResponseMessage,
  type Parameters,
} from '@nereid/protocol';
import { decodeTensorValues, type TensorValues, type TensorValuesByDatatype } from './tensor-values.ts';

/**
 * The answer to an inference request.
 *
 * @example
 * const scores = result.output('SCORES', 'FP32'); // Float32Array
 */
export class InferResult {
  readonly modelName: string;
  readonly modelVersion: string;
  /** The id of the request; '' when it had none. */
  readonly id: string;
  /** Parameters that the model set on the response; undefined: none. */
  readonly parameters: Parameters | undefined;
  /** The outputs with their shapes and bytes, in the order of the server. */
  readonly outputs: readonly InferOutput[];

  constructor(message: InferResponseMessage) {
    this.modelName = message.modelName;
    this.modelVersion = message.modelVersion;
    this.id = message.id;
    this.parameters = message.parameters;
    this.outputs = message.outputs;
  }

  /**
   * The values of an output in row-major order, of the type that its datatype has in {@link
   * TensorValuesByDatatype}. Numbers are a view of the answer where possible. Empty for an output in shared
   * memory.
   *
   * @param datatype Narrows the type of the answer, and checks it.
   * @throws InferenceServerError NOT_FOUND when there is no such output, INVALID_ARG when it has another
   * datatype.
   */
  output(name: string): TensorValues;
  output<D extends Datatype>(name: string, datatype: D): TensorValuesByDatatype[D];
  output(name: string, datatype?: Datatype): TensorValues {
    const tensor = this.tensor(name);
    if (datatype !== undefined && tensor.datatype !== datatype) throw this.#wrongDatatype(tensor, datatype);
    return decodeTensorValues(tensor);
  }

  /**
   * The strings of a BYTES output; also the classes of an output that was asked for as classification.
   *
   * @throws InferenceServerError as {@link output}.
   */
  asStrings(name: string): string[] {
    return this.output(name, 'BYTES');
  }

  /**
   * The elements of a BYTES output as bytes, for those that are not text.
   *
   * @throws InferenceServerError as {@link output}.
   */
  asBytes(name: string): Uint8Array[] {
    const tensor = this.tensor(name);
    if (tensor.datatype !== 'BYTES') throw this.#wrongDatatype(tensor, 'BYTES');
    return decodeBytesTensor(tensor.data);
  }

  /**
   * The values of a numeric or BOOL output as a list of numbers; 64-bit integers beyond 2^53 lose precision.
   *
   * @throws InferenceServerError NOT_FOUND when there is no such output, INVALID_ARG when it is of datatype
   * BYTES.
   */
  asNumbers(name: string): number[] {
    const tensor = this.tensor(name);
    if (tensor.datatype === 'BYTES') throw this.#wrongDatatype(tensor, 'a number');
    return Array.from<number | bigint | boolean | string, number>(decodeTensorValues(tensor), Number);
  }

  /**
   * An output with its datatype, shape and bytes.
   *
   * @throws InferenceServerError NOT_FOUND when there is no such output.
   */
  tensor(name: string): InferOutput {
    const output = this.outputs.find((candidate) => candidate.name === name);
    if (output !== undefined) return output;
    const names = this.outputs.map((candidate) => `'${candidate.name}'`).join(', ');
    throw new InferenceServerError(
      'NOT_FOUND',
      `no output '${name}' in the response of model '${this.modelName}', which has ${names || 'none'}`,
    );
  }

  #wrongDatatype(tensor: InferOutput, expected: string): InferenceServerError {
    return new InferenceServerError(
      'INVALID_ARG',
      `output '${tensor.name}' of model '${this.modelName}': expected ${expected}, got ${tensor.datatype}`,
    );
  }
}
